import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import type { Json } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import type { RestAnswer } from '../support/rest-client.js';
import { until, within } from '../support/waiting.js';
import { AttackWorld, type Held, LONG_MS, NETWORK_DOORS } from './attack-world.js';
import { expectProblem } from './rest-world.js';

/** How late a revocation may be obeyed at worst (D-10). */
const REVOCATION_BOUND_MS = 5_000;

/** A keeper manages keys, and is no admin; a careful one is denied something besides. */
const ROLES = `
roles:
  keeper:
    inherits: [viewer]
    permissions: [read:keys, manage:keys]
  careful:
    inherits: [keeper]
    deny: ["tool:whoami"]
  looker:
    inherits: [viewer]
    permissions: [read:keys]
`;

jest.setTimeout(LONG_MS);

describe('API keys by REST', () => {
  let folder: TemporaryFolder;
  let world: AttackWorld;
  const secrets: string[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    const roles = join(folder.path, 'roles.yaml');
    await writeFile(roles, ROLES);
    world = await AttackWorld.open({
      plugins: [fixture('auth/index')],
      env: { MCP_AUTH_TOKENS: `root:admin:${TOKEN}`, MCP_ROLES_FILE: roles },
    });
  }, LONG_MS);

  afterAll(async () => {
    await world.dispose();
    await folder.remove();
  }, LONG_MS);

  interface Made {
    readonly id: string;
    readonly token: string;
  }

  function issued({ status, json }: RestAnswer, expected = 201): Made {
    expect([status, json['detail']]).toEqual([expected, undefined]);
    const { key, token } = json as { key: { id: string }; token: string };
    secrets.push(token);
    return { id: key.id, token };
  }

  const create = async (body: Json, by: string = TOKEN): Promise<Made> =>
    issued(await world.as(by, 'POST', '/admin/keys', body));

  const shown = async (id: string): Promise<Json | undefined> =>
    ((await world.as(TOKEN, 'GET', '/admin/keys')).json['keys'] as Json[]).find((key) => key['id'] === id);

  /** Waits until all of it is closed. @returns ms until the last was */
  async function closing(held: readonly Held[], since: number): Promise<number> {
    await Promise.all(held.map(({ door, closed }) => within(closed, `the end of ${door}`)));
    return performance.now() - since;
  }

  const keysCommand = (...args: string[]): Promise<{ stdout: string; stderr: string; code: number | null }> => {
    const { stateDir } = world.doors.server;
    return Program.run({ args: ['keys', ...args, '--state-dir', stateDir], cwd: stateDir });
  };

  it('S2-14 makes a key that opens every door, and shows its token in that one answer', async () => {
    const answer = await world.as(TOKEN, 'POST', '/admin/keys', {
      name: 'ada',
      roles: ['operator'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const { id, token } = issued(answer);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    for (const door of NETWORK_DOORS) expect([door, await world.knock(door, token)]).toEqual([door, undefined]);
    expect(await shown(id)).toEqual({
      id,
      name: 'ada',
      roles: ['operator'],
      state: 'active',
      source: 'store',
      createdBy: 'gatehouse/root',
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
      lastUsedAt: expect.any(String),
    });
  });

  it('D-10 revoked, closes its stream, its sockets and its lines within the bound, and opens nothing any more', async () => {
    const { id, token } = await create({ name: 'bea', roles: ['operator'] });
    const { session } = await world.http.initialize('2025-11-25', { Authorization: `Bearer ${token}` });
    const held = await world.hold(token);
    const ticket = await world.ticket(token);
    const at = performance.now();
    const revoked = await world.as(TOKEN, 'DELETE', `/admin/keys/${id}`);
    expect([revoked.status, revoked.json['state']]).toEqual([200, 'revoked']);
    expect(await closing(held, at)).toBeLessThan(REVOCATION_BOUND_MS);
    for (const door of NETWORK_DOORS) {
      expect([door, await world.knock(door, token)]).toMatchObject([door, { kind: 'auth_failed' }]);
    }
    await expect(world.doors.webSocket({ protocols: ['mcp', ticket] })).rejects.toThrow();
    // Another key of the name is the same principal: what was opened with this one is over for it, too.
    const next = await create({ name: 'bea', roles: ['operator'] });
    const answer = await world.http.delete({ ...session, Authorization: `Bearer ${next.token}` });
    expect(answer.status).toBe(404);
    expect((await world.as(TOKEN, 'POST', `/admin/keys/${id}/rotate`, {})).status).toBe(422);
  });

  it('D-10 gatehouse explain has the whole chain, and says of a key that was revoked that it opens nothing', async () => {
    const { id } = await create({ name: 'eve', roles: ['operator'] });
    const ask = async (): Promise<Json> => {
      const { stdout } = await Program.run({
        args: ['explain', id, 'math_calc', '--json', '--url', world.doors.base],
        env: { GATEHOUSE_TOKEN: TOKEN },
        cwd: folder.path,
      });
      return JSON.parse(stdout) as Json;
    };
    const open = await ask();
    expect(open).toMatchObject({ principal: 'gatehouse/eve', target: 'tool:math_calc', isAllowed: true });
    const steps = open['steps'] as { check: string; detail: string }[];
    expect(steps.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['credential', 'roles', 'rule', 'state', 'messages', 'rate', 'breaker', 'bulkhead']),
    );
    expect(steps[0]?.detail).toBe(`gatehouse/eve is proven by credential ${id}`);
    await world.as(TOKEN, 'DELETE', `/admin/keys/${id}`);
    expect(await ask()).toMatchObject({ isAllowed: false, isListed: false, kind: 'auth_failed' });
  });

  it('S2-14 rotated with an overlap, goes on with both tokens, and without one, ends what the old one opened', async () => {
    const { id, token } = await create({ name: 'cyd', roles: ['operator'] });
    const held = await world.hold(token);
    const rotate = async (overlapMs: number): Promise<Made> =>
      issued(await world.as(TOKEN, 'POST', `/admin/keys/${id}/rotate`, { overlapMs }), 200);
    const second = await rotate(3_600_000);
    for (const each of [token, second.token]) expect(await world.knock('http', each)).toBeUndefined();
    expect(await shown(id)).toHaveProperty('oldTokenUntil');
    const ticket = await world.ticket(second.token);
    const at = performance.now();
    const third = await rotate(0);
    expect(await closing(held, at)).toBeLessThan(REVOCATION_BOUND_MS);
    for (const old of [token, second.token]) {
      expect(await world.knock('http', old)).toMatchObject({ kind: 'auth_failed' });
    }
    await expect(world.doors.webSocket({ protocols: ['mcp', ticket] })).rejects.toThrow();
    expect(await world.knock('http', third.token)).toBeUndefined();
  });

  it('D-10 the command line manages the keys of the server that runs, and both see the same', async () => {
    const made = await keysCommand('create', 'dee', '--role', 'operator', '--json');
    const { key, token } = JSON.parse(made.stdout) as { key: { id: string }; token: string };
    secrets.push(token);
    expect(made.stderr).not.toContain(token);
    expect(await world.knock('tcp', token)).toBeUndefined();
    expect(await shown(key.id)).toMatchObject({ name: 'dee', createdBy: 'gatehouse/local-admin' });
    const byRest = await create({ name: 'eve', roles: ['viewer'] });
    expect((await keysCommand('list')).stdout).toMatch(new RegExp(`^${byRest.id} +eve +viewer +active`, 'm'));
    const held = await world.hold(token);
    const at = performance.now();
    const rotated = await keysCommand('rotate', key.id, '--overlap-hours', '0');
    secrets.push(rotated.stdout.trim());
    expect(await closing(held, at)).toBeLessThan(REVOCATION_BOUND_MS + LONG_MS / 6);
    expect((await keysCommand('revoke', key.id)).code).toBe(0);
    expect(await world.knock('rest', rotated.stdout.trim())).toMatchObject({ status: 401, kind: 'auth_failed' });
    expect(await shown(key.id)).toMatchObject({ state: 'revoked' });
    const unknown = await keysCommand('revoke', 'nobody');
    expect([unknown.code, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toContain('There is no key of this id');
  });

  it('D-11 shows keys to whoever may see them, and is managed by whoever may manage them', async () => {
    const tokens = new Map<string, string>();
    for (const role of ['viewer', 'operator', 'looker', 'keeper']) {
      tokens.set(role, (await create({ name: `a-${role}`, roles: [role] })).token);
    }
    const { id } = await create({ name: 'target', roles: ['viewer'] });
    const outcome = async (role: string): Promise<readonly number[]> => [
      (await world.as(tokens.get(role), 'GET', '/admin/keys')).status,
      (await world.as(tokens.get(role), 'POST', '/admin/keys', { name: 'x', roles: ['viewer'] })).status,
      (await world.as(tokens.get(role), 'POST', `/admin/keys/${id}/rotate`, {})).status,
      (await world.as(tokens.get(role), 'DELETE', `/admin/keys/${id}`)).status,
    ];
    expect(await outcome('viewer')).toEqual([403, 403, 403, 403]);
    expect(await outcome('operator')).toEqual([403, 403, 403, 403]);
    expect(await outcome('looker')).toEqual([200, 403, 403, 403]);
    expect((await shown(id))?.['state']).toBe('active');
    expect(await outcome('keeper')).toEqual([200, 201, 200, 200]);
    for (const path of ['/admin/keys', `/admin/keys/${id}/rotate`]) {
      expectProblem(await world.as(undefined, 'POST', path, {}), 401, 'auth_required');
    }
  });

  it('lets nobody hand out more than they have: by a role, a rotation, a rule left out, a name, or scopes', async () => {
    const keeper = await create({ name: 'kim', roles: ['keeper'] });
    const careful = await create({ name: 'cal', roles: ['careful'] });
    const limited = await create({ name: 'lim', roles: ['admin'], scopes: ['keys'] });
    const admin = await create({ name: 'boss', roles: ['admin'] });
    for (const [by, body] of [
      [keeper, { name: 'kim', roles: ['admin'] }],
      [keeper, { name: 'new', roles: ['viewer', 'operator'] }],
      [keeper, { name: 'boss', roles: ['viewer'] }],
      [keeper, { name: 'root', roles: ['viewer'] }],
      [careful, { name: 'new', roles: ['keeper'] }],
      [limited, { name: 'new', roles: ['admin'] }],
      [limited, { name: 'new', roles: ['admin'], scopes: ['keys', 'tools'] }],
    ] as const) {
      expectProblem(await world.as(by.token, 'POST', '/admin/keys', body), 403, 'permission_denied');
    }
    for (const by of [keeper, limited]) {
      const rotated = await world.as(by.token, 'POST', `/admin/keys/${admin.id}/rotate`, { overlapMs: 0 });
      expectProblem(rotated, 403, 'permission_denied');
    }
    expect(await world.knock('rest', admin.token)).toBeUndefined();
    await create({ name: 'job', roles: ['viewer'] }, keeper.token);
    await create({ name: 'other-job', roles: ['careful'] }, careful.token);
    await create({ name: 'third-job', roles: ['viewer'], scopes: ['keys'] }, limited.token);
    const record = await until(async () => {
      const { json } = await world.as(TOKEN, 'GET', '/admin/audit?type=admin&limit=500');
      return (json['records'] as Json[]).find(({ principal, action, kind }) => {
        return principal === 'gatehouse/kim' && action === 'key.create' && kind === 'permission_denied';
      });
    }, 'the record of what was refused');
    expect(record).toMatchObject({ outcome: 'refused', details: { name: 'kim', roles: 'admin' } });
  });

  it.each<[string, Json]>([
    ['a role that there is not', { name: 'x', roles: ['no-such-role'] }],
    ['no role', { name: 'x', roles: [] }],
    ['a name of the server itself', { name: 'local-admin', roles: ['viewer'] }],
    ['a name that is a path', { name: '../../etc/passwd', roles: ['viewer'] }],
    ['a name with a line of its own', { name: 'x\n[SECURITY] {"event":"auth_success"}', roles: ['viewer'] }],
    ['an end that has been', { name: 'x', roles: ['viewer'], expiresAt: '2001-01-01T00:00:00Z' }],
    ['what nobody asked for', { name: 'x', roles: ['viewer'], isAdmin: true }],
    ['a token of its own', { name: 'x', roles: ['viewer'], token: 'ghk_mine_mine' }],
  ])('refuses %s with 422', async (_what, body) => {
    expectProblem(await world.as(TOKEN, 'POST', '/admin/keys', body), 422, 'invalid_params');
  });

  it('answers alike for an id that there is not and one that could be none', async () => {
    for (const id of ['zzzzzzzzzz', '..%2f..%2fkeys', '__proto__', 'constructor', '%00']) {
      expectProblem(await world.as(TOKEN, 'DELETE', `/admin/keys/${id}`), 404, 'not_found');
    }
  });

  it('W-37 has who did what to which key on record, and no token that somebody took for an id', async () => {
    const { id, token } = await create({ name: 'rec', roles: ['viewer'] });
    expectProblem(await world.as(TOKEN, 'DELETE', `/admin/keys/${token}`), 404, 'not_found');
    expectProblem(await world.as(TOKEN, 'GET', `/admin/keys/${token}`), 404, 'not_found');
    expectProblem(await world.as(undefined, 'DELETE', `/admin/${token}/x`), 404, 'not_found');
    await world.as(TOKEN, 'POST', `/admin/keys/${id}/rotate`, { overlapMs: 1 }).then((answer) => issued(answer, 200));
    await world.as(TOKEN, 'DELETE', `/admin/keys/${id}`);
    const actions = await until(async () => {
      const { json } = await world.as(TOKEN, 'GET', `/admin/audit?type=admin&target=key:*${id}*`);
      const found = (json['records'] as Json[]).map(({ action, outcome }) => `${String(action)} ${String(outcome)}`);
      return found.length >= 4 && found.sort();
    }, 'the records');
    expect(actions).toEqual(['key.create success', 'key.revoke refused', 'key.revoke success', 'key.rotate success']);
  });

  it('W-37 S2-14 no token, nor a hash of one in a list, is anywhere but where it was handed out', async () => {
    const written = await world.written();
    const lists = await Promise.all(
      ['keys', 'sessions', 'audit?limit=500', 'limits', 'explain?principal=ada&target=whoami', 'audit/status'].map(
        async (path) => (await world.as(TOKEN, 'GET', `/admin/${path}`)).text,
      ),
    );
    const metrics = await world.as(TOKEN, 'GET', '/metrics');
    const all = [written, ...lists, metrics.text].join('\n');
    expect(secrets.length).toBeGreaterThan(15);
    expect(all).toContain('token_created');
    for (const secret of [TOKEN, ...secrets]) expect(all.includes(secret.slice(-40))).toBe(false);
    expect(all).not.toMatch(/gh[kl]_[A-Za-z0-9-]+_[A-Za-z0-9_-]{20}/);
    expect(lists[0]).not.toMatch(/[0-9a-f]{64}/);
  });
});
