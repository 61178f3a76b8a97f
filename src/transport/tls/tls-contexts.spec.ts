import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type Server, type Socket, Server as PlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Logger } from '@nestjs/common';
import {
  makeAuthority,
  makeClientPair,
  makeServerPair,
  type Pair,
  writePair,
} from '../../../test/support/certificates.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { certificateOf } from '../../auth/index.js';
import { StartError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { handshakeOptions } from './handshake-options.js';
import { TlsContexts } from './tls-contexts.js';

let folder: string;
let pairs: Record<'server' | 'next' | 'authority' | 'foreign' | 'alice' | 'mallory', Pair>;
let paths: Pair;
let security: RecordingSecurityLog;
let clock: FakeClock;
let logged: unknown[];
let contexts: TlsContexts;

beforeAll(async () => {
  const [server, next, authority, foreign] = await Promise.all([
    makeServerPair([]),
    makeServerPair([]),
    makeAuthority(),
    makeAuthority(),
  ]);
  const [alice, mallory] = await Promise.all([makeClientPair('alice', authority), makeClientPair('alice', foreign)]);
  pairs = { server, next, authority, foreign, alice, mallory };
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'));
  paths = await writePair(folder, 'server', pairs.server);
  await writePair(folder, 'ca', pairs.authority);
  [security, clock, logged] = [new RecordingSecurityLog(), new FakeClock(Date.now()), []];
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation((message: unknown) => void logged.push(message));
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
  });
});

afterEach(async () => {
  contexts?.onApplicationShutdown();
  jest.useRealTimers();
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const configOf = (more: Partial<AppConfig['tls']> = {}, transports: AppConfig['server']['transports'] = ['http']) =>
  AppConfig.of({ server: { transports }, tls: { ...paths, ...more } });

async function open(more: Partial<AppConfig['tls']> = {}): Promise<TlsContexts> {
  return (contexts = await TlsContexts.open({ config: configOf(more), security, clock }));
}

/** Shakes hands over a pair of streams in memory. @returns both ends, once both are through */
async function shake(server: Server, options: ConnectionOptions = {}): Promise<{ client: TLSSocket; socket: Socket }> {
  const [near, far] = duplexPair();
  const accepted = once(server, 'secureConnection') as Promise<[Socket]>;
  server.emit('connection', far);
  const client = connect({ socket: near, servername: 'localhost', ca: pairs.server.cert, ...options });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  const [socket] = await accepted;
  socket.on('error', () => undefined);
  return { client, socket };
}

/** @returns once the server has refused the handshake */
async function refused(server: Server, options: ConnectionOptions = {}): Promise<void> {
  const [near, far] = duplexPair();
  const failed = once(server, 'tlsClientError');
  server.emit('connection', far);
  const client = connect({ socket: near, servername: 'localhost', ca: pairs.server.cert, ...options });
  client.on('error', () => undefined);
  await failed;
  client.destroy();
}

const cutOff = (...sockets: { destroy(): void }[]): void => sockets.forEach((socket) => socket.destroy());
const identityOf = ({ cert, key }: Pair): ConnectionOptions => ({ cert, key });
const shownTo = (client: TLSSocket): string | undefined => client.getPeerX509Certificate()?.fingerprint256;
const fingerprint = ({ cert }: Pair): string => new X509Certificate(cert).fingerprint256;

describe('TlsContexts at start', () => {
  it('S0-14 says with which certificate TLS is on', async () => {
    expect((await open()).isEnabled).toBe(true);
    expect(logged).toEqual([`SSL/TLS enabled with certificate: ${paths.cert}`]);
  });

  it('W-14 ends the start where TLS was asked for and cannot be had', async () => {
    await rm(paths.key);
    const failure = await open().catch((error: unknown) => error as StartError);
    expect(failure).toMatchObject({ name: 'StartError', exitCode: 78 });
    expect((failure as StartError).faults).toEqual([
      `${paths.key} cannot be read (ENOENT)`,
      expect.stringContaining('gatehouse certs'),
    ]);
  });

  it('reads nothing where TLS is off, or nobody can come by a network', async () => {
    const off = AppConfig.of({ server: { transports: ['http'] } });
    const stdio = configOf({ cert: '/nowhere' }, ['stdio']);
    for (const config of [off, stdio]) {
      contexts = await TlsContexts.open({ config, security, clock });
      expect([contexts.isEnabled, await contexts.reload()]).toEqual([false, false]);
      contexts.protect(createServer());
      expect(contexts.createServer(() => undefined).constructor).toBe(PlainServer);
    }
    expect(logged).toEqual([]);
  });

  it('refuses to protect a server that speaks no TLS', async () => {
    await open();
    expect(() => contexts.protect(createServer())).toThrow(/make it with https.createServer/);
  });

  it('warns of a certificate that ends soon, and of one that has ended', async () => {
    clock.advance(360 * 86_400_000);
    await open();
    clock.advance(10 * 86_400_000);
    await contexts.reload();
    expect(logged).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/server\.crt ends /),
        expect.stringMatching(/server\.crt has ended: clients refuse it since /),
      ]),
    );
  });
});

describe('a new certificate', () => {
  it('is used from the next connection on, and leaves those that are open alone', async () => {
    const server = (await open()).createServer(() => undefined);
    const before = await shake(server);
    await writePair(folder, 'server', pairs.next);
    await jest.advanceTimersByTimeAsync(5_000);
    await until(() => security.names.includes('config_reloaded'));
    const after = await shake(server, { ca: pairs.next.cert });
    expect([shownTo(before.client), shownTo(after.client)]).toEqual([
      fingerprint(pairs.server),
      fingerprint(pairs.next),
    ]);
    before.client.write('still here');
    expect(String((await once(before.socket, 'data'))[0])).toBe('still here');
    cutOff(before.client, after.client);
  });

  it('is not used where it does not fit, which is told once per change; the old one still is', async () => {
    const server = (await open()).createServer(() => undefined);
    await writeFile(paths.cert, pairs.next.cert);
    expect(await contexts.reload()).toBe(false);
    const reason = `${paths.key} does not belong to the certificate ${paths.cert}`;
    expect(security.events).toEqual([{ event: 'config_rejected', details: { keys: 'tls', reason } }]);
    expect(logged).toContain(`The new certificate is not used, the old one still is: ${reason}`);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(security.events).toHaveLength(1);
    const { client } = await shake(server);
    expect(shownTo(client)).toBe(fingerprint(pairs.server));
    await writeFile(paths.key, pairs.next.key);
    expect(await contexts.reload()).toBe(true);
    cutOff(client);
  });

  it('is read once, however many ask for it at the same time', async () => {
    await open();
    expect(await Promise.all([contexts.reload(), contexts.reload()])).toEqual([true, true]);
    expect(security.names).toEqual(['config_reloaded']);
  });

  it('is not given to a server that has closed', async () => {
    const server = (await open()).createServer(() => undefined);
    const given = jest.spyOn(server as never, 'setSecureContext');
    server.emit('close');
    await contexts.reload();
    expect(given).not.toHaveBeenCalled();
  });
});

describe('S0-28 client certificates', () => {
  const auth = (clientAuth: 'request' | 'require') => ({ clientAuth, clientCa: join(folder, 'ca.crt') });

  it('required, the client is known by a certificate of the client CA', async () => {
    const server = (await open(auth('require'))).createServer(() => undefined);
    const { client, socket } = await shake(server, identityOf(pairs.alice));
    const { fingerprint256, validTo } = new X509Certificate(pairs.alice.cert);
    expect(certificateOf(socket)).toEqual({
      subject: 'CN=alice',
      fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
      expiresAt: Date.parse(validTo),
    });
    expect(certificateOf(socket)).toBe(certificateOf(socket));
    cutOff(client);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('required, nobody gets through without one over %s', async (version) => {
    const server = (await open(auth('require'))).createServer(() => undefined);
    const isIn = jest.fn();
    server.on('secureConnection', isIn);
    await refused(server, { maxVersion: version });
    await refused(server, { maxVersion: version, ...identityOf(pairs.mallory) });
    expect(isIn).not.toHaveBeenCalled();
    expect(security.events.map(({ event, details }) => [event, details['reason']])).toEqual([
      ['invalid_auth', 'client certificate: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
      ['invalid_auth', expect.stringMatching(/^client certificate: (CERT_SIGNATURE_FAILURE|UNABLE_TO)/)],
    ]);
  });

  it('requested, whoever shows none that is good is let in and is nobody', async () => {
    const server = (await open(auth('request'))).createServer(() => undefined);
    const none = await shake(server, { maxVersion: 'TLSv1.3' });
    const good = await shake(server, { maxVersion: 'TLSv1.3', ...identityOf(pairs.alice) });
    const bad = await shake(server, { maxVersion: 'TLSv1.3', ...identityOf(pairs.mallory) });
    expect([none, good, bad].map(({ socket }) => certificateOf(socket)?.subject)).toEqual([
      undefined,
      'CN=alice',
      undefined,
    ]);
    cutOff(none.client, good.client, bad.client);
  });

  it('is proved for each connection: none is resumed', async () => {
    const server = (await open(auth('request'))).createServer((socket) => socket.write('hello'));
    const sessions: Buffer[] = [];
    const first = await shake(server, { maxVersion: 'TLSv1.3' });
    first.client.on('session', (session: Buffer) => sessions.push(session));
    await once(first.client, 'data');
    const again = await shake(server, { maxVersion: 'TLSv1.3', ...(sessions[0] && { session: sessions[0] }) });
    expect([again.client.isSessionReused(), certificateOf(again.socket)]).toEqual([false, undefined]);
    cutOff(first.client, again.client);
  });

  it('is none on a plain connection', () => {
    expect(certificateOf(new EventEmitter() as Socket)).toBeUndefined();
  });

  it('is not asked for unless that is wanted', () => {
    const options = (more: Partial<AppConfig['tls']>) => handshakeOptions(configOf(more));
    expect(options({})).toEqual({ requestCert: false, rejectUnauthorized: false, handshakeTimeout: 10_000 });
    expect(options(auth('request'))).toMatchObject({ requestCert: true, rejectUnauthorized: false });
    expect(options(auth('require'))).toMatchObject({ requestCert: true, rejectUnauthorized: true });
  });
});

describe('a server that TLS protects', () => {
  it('speaks no version that is too old', async () => {
    const server = (await open({ minVersion: 'TLSv1.3' })).createServer(() => undefined);
    await refused(server, { maxVersion: 'TLSv1.2' });
    expect(logged).toContainEqual(expect.stringMatching(/^A TLS handshake failed \(ERR_SSL_/));
  });

  it('S0-14 has nothing for who speaks plain', async () => {
    const server = createSecureServer(handshakeOptions(configOf()));
    (await open()).protect(server);
    const [near, far] = duplexPair();
    const failed = once(server, 'tlsClientError');
    server.emit('connection', far);
    near.on('error', () => undefined).write('GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await failed;
    expect(security.events).toEqual([]);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 5_000 && !isSo(); i++) await new Promise((resolve) => setImmediate(resolve));
  if (!isSo()) throw new Error('It never was so');
}
