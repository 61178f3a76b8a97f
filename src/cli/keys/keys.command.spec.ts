import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AuthWorld } from '../../../test/support/auth-world.js';
import { makeServerPair, writePair } from '../../../test/support/certificates.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import type { IssuedKey, KeyDescription, KeyRequest } from '../../auth/index.js';
import { isGatehouseError, StartError, SystemClock } from '../../common/index.js';
import { EmbeddedState } from '../../store/index.js';
import { keys } from './keys.command.js';

let folder: TemporaryFolder;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  [stdout, stderr] = ['', ''];
  jest.spyOn(Logger, 'overrideLogger').mockReturnValue(undefined);
  for (const level of ['debug', 'warn'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((stdout += String(text))));
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((stderr += String(text))));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await folder.remove();
});

/** Runs the command against the state folder of the test. @returns what it wrote to stdout */
async function run(...argv: string[]): Promise<string> {
  [stdout, stderr] = ['', ''];
  await keys({ argv: [...argv, '--state-dir', join(folder.path, 'state')], cwd: folder.path });
  return stdout;
}

const json = async <T>(...argv: string[]): Promise<T> => JSON.parse(await run(...argv, '--json')) as T;

describe('gatehouse keys, where no server runs', () => {
  it('S2-13 S2-14 makes, lists, rotates and revokes keys in the state folder, and shows each token once', async () => {
    const token = (await run('create', 'alice', '--role', 'operator', '--expires-in-days', '90')).trim();
    const id = /^ghk_([a-z0-9]+)_[A-Za-z0-9_-]{43}$/.exec(token)?.[1] as string;
    expect(stderr).toContain(`Key ${id} of alice, operator, until `);
    expect(stderr).not.toContain(token);
    const table = await run('list');
    expect(table).toMatch(new RegExp(`^${id} +alice +operator +active +store `, 'm'));
    expect(table).not.toContain(token.slice(-43));
    const rotated = await json<IssuedKey>('rotate', id, '--overlap-hours', '1');
    expect(rotated.token).not.toBe(token);
    expect(Date.parse(rotated.key.oldTokenUntil as string)).toBeGreaterThan(Date.now());
    expect(await json<KeyDescription>('revoke', id)).toMatchObject({ id, state: 'revoked' });
    expect((await json<KeyDescription[]>('list')).map(({ state }) => state)).toEqual(['revoked']);
  });

  it('says what is wrong in words, without a stack', async () => {
    await expect(run('revoke', 'nobody')).rejects.toThrow(StartError);
    await expect(run('revoke', 'nobody')).rejects.toThrow('There is no key of this id');
    await expect(run('create', 'local', '--role', 'admin')).rejects.toThrow('The name must be');
  });

  it('S2-13 prints a line for the settings, and keeps nothing', async () => {
    const token = (await run('create', 'ci', '--role', 'viewer,operator', '--scope', 'a:b', '--print-setting')).trim();
    const setting = /Add to MCP_API_KEYS: (.*)\n/.exec(stderr)?.[1];
    expect(setting).toMatch(/^ci:[0-9a-f]{64}:viewer\+operator:a:b$/);
    const world = await AuthWorld.open({ auth: { apiKeys: setting as string } });
    expect(await world.show(token)).toMatchObject({ subject: 'ci', roles: ['viewer', 'operator'], scopes: ['a:b'] });
    expect(await json('list')).toEqual([]);
  });

  it('tells how it is called', async () => {
    expect(await run('--help')).toContain('Usage: gatehouse keys create NAME');
    expect(await run('create', 'alice', '--help')).toContain('Usage: gatehouse keys create NAME');
  });
});

describe('gatehouse keys, of a server that runs', () => {
  let state: EmbeddedState;
  let server: Server;
  let world: AuthWorld;
  let statusOfAll: number | undefined;

  beforeEach(async () => {
    statusOfAll = undefined;
    const path = join(folder.path, 'state');
    const details = { name: 'spec', port: 1 };
    state = await EmbeddedState.open({ clock: new SystemClock(), folder: { path, details } });
    // One time for both: what has ended by the clock of the store is not there any more.
    world = await AuthWorld.open({}, { store: state.durable, clock: new FakeClock(Date.now()) });
    server = createServer((req, res) => void answer(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await world.parts.local.publish(path, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await state.close();
  });

  /** The admin REST of keys, as this command expects it. */
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const reply = (status: number, body: unknown): void => {
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    try {
      if (statusOfAll !== undefined) return reply(statusOfAll, { title: 'Not today' });
      const { authorization } = req.headers;
      const principal = await world.parts.chain.authenticate({ authorization, door: 'rest', address: '127.0.0.1' });
      const by = `${principal.issuer}/${principal.subject}`;
      let text = '';
      for await (const chunk of req) text += String(chunk);
      const body = (text === '' ? {} : JSON.parse(text)) as { expiresAt?: string; overlapMs?: number };
      const [, id = '', action] = /^\/admin\/keys(?:\/([^/]+))?(?:\/(rotate))?$/.exec(req.url ?? '') ?? [];
      const route = `${req.method} ${action ?? (id === '' ? 'all' : 'one')}`;
      if (route === 'GET all') return reply(200, { keys: world.parts.keys.list() });
      if (route === 'POST all') {
        const expiresAt = body.expiresAt === undefined ? undefined : Date.parse(body.expiresAt);
        return reply(201, await world.parts.keys.create({ ...(body as unknown as KeyRequest), expiresAt }, by));
      }
      if (route === 'POST rotate') return reply(201, await world.parts.keys.rotate(id, by, body.overlapMs));
      if (route === 'DELETE one') return reply(200, await world.parts.keys.revoke(id, by));
      return reply(404, { title: 'Not Found' });
    } catch (error) {
      if (isGatehouseError(error)) reply(400, { title: error.kind, detail: error.message });
      else throw error;
    }
  }

  it('D-10 works on its keys through its admin REST: it knows of each change at once', async () => {
    const token = (await run('create', 'alice', '--role', 'operator', '--scope', 'a')).trim();
    const principal = await world.show(token);
    expect(principal).toMatchObject({ subject: 'alice', roles: ['operator'], scopes: ['a'] });
    const { credentialId: id = '' } = principal;
    expect((await json<KeyDescription[]>('list'))[0]).toMatchObject({ id, createdBy: 'gatehouse/local-admin' });
    const { token: next } = await json<IssuedKey>('rotate', id, '--overlap-hours', '0');
    expect([await world.refusal(token), await world.refusal(next)]).toEqual(['wrong_secret', undefined]);
    await run('revoke', id);
    expect([await world.refusal(next), stderr]).toEqual(['revoked', `Revoked key ${id} of alice.\n`]);
  });

  it('says what the server says, and what to do where it says nothing', async () => {
    await expect(run('revoke', 'nobody')).rejects.toThrow('There is no key of this id');
    statusOfAll = 503;
    await expect(run('list')).rejects.toThrow('Not today');
    statusOfAll = 200;
    await expect(run('list')).rejects.toThrow('is it of the same version');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(run('list')).rejects.toThrow('does not answer');
  });

  it('S0-14 says its token to nobody but the server whose certificate the settings name', async () => {
    const [own, foreign] = await Promise.all([makeServerPair([]), makeServerPair([])]);
    const { cert: certificate } = await writePair(folder.path, 'server', own);
    const seen: (string | undefined)[] = [];
    for (const pair of [own, foreign]) {
      const secure = createSecureServer(pair, (req, res) => {
        seen.push(req.headers.authorization);
        void answer(req, res);
      });
      await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
      const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
      await world.parts.local.publish(join(folder.path, 'state'), { url, certificate });
      if (pair === own) expect(await json('list')).toEqual([]);
      else await expect(run('list')).rejects.toThrow('it shows another certificate than');
      secure.closeAllConnections();
      await new Promise((resolve) => secure.close(resolve));
    }
    expect(seen).toEqual([`Bearer ${world.parts.local.token}`]);
  });

  it('names the holder where it left no way in', async () => {
    await world.parts.local.onApplicationShutdown();
    await expect(run('list')).rejects.toThrow(/is in use by "spec"[^]*left no admin\.token/);
    await writeFile(join(folder.path, 'state', 'admin.token'), 'nonsense');
    await expect(run('list')).rejects.toThrow('is in use by "spec"');
  });
});
