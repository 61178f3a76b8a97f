import { X509Certificate } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { makeAuthority, makeClientPair, makeServerPair, type Pair, writePair } from '../support/certificates.js';
import { initializeParams, request } from '../support/messages.js';
import { fixture, ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { secureAsk, type SecureAnswer } from '../support/secure-http.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

// Each test starts the program, some more than once.
jest.setTimeout(3 * PATIENCE_MS);

const INITIALIZE = request(0, 'initialize', initializeParams('2025-11-25'));
/** A call of 2026-07-28, which ends with its connection. */
const modernCall = (id: number, name: string, mark: string) => ({
  body: request(id, 'tools/call', {
    name,
    arguments: { mark },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  }),
  headers: { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': name },
});

let folder: TemporaryFolder;
let [first, second, authority, foreign, alice, mallory]: Pair[] = [];
let server: BuiltServer | undefined;

beforeAll(async () => {
  folder = await temporaryFolder();
  [first, second, authority, foreign] = await Promise.all([
    makeServerPair([]),
    makeServerPair([]),
    makeAuthority(),
    makeAuthority(),
  ]);
  [alice, mallory] = await Promise.all([makeClientPair('alice', authority), makeClientPair('mallory', foreign)]);
  await writePair(folder.path, 'client-ca', authority);
});

afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

afterAll(() => folder.remove());

let names = 0;

/** Starts a server on a pair of files of its own. @returns where the pair is */
async function start(flags: readonly string[] = [], options: { plugins?: string[] } = {}): Promise<Pair> {
  const paths = await writePair(join(folder.path, `server-${names++}`), 'server', first as Pair);
  server = await BuiltServer.start({
    flags: ['--ssl-cert', paths.cert, '--ssl-key', paths.key, ...flags],
    ...options,
  });
  return paths;
}

const url = (): string => server?.url ?? '';
const trusting = (pair: Pair | undefined) => ({ ca: pair?.cert ?? '' });
const ask = (options: Parameters<typeof secureAsk>[1] = {}): Promise<SecureAnswer> =>
  secureAsk(url(), { ...trusting(first), body: INITIALIZE, ...options });
const failureOf = (options: Parameters<typeof secureAsk>[1]): Promise<string> =>
  ask(options).then(
    ({ status }) => `answered with ${status}`,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );

describe('S0-14 a server with a certificate', () => {
  it('K-25 speaks HTTPS as soon as paths are given, says so, and shows an editor how to connect', async () => {
    const { cert } = await start();
    expect(url()).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/mcp$/);
    await server?.said(new RegExp(`SSL/TLS enabled with certificate: ${cert}`));
    expect(server?.stderr).toContain(`"url": "${url()}"`);
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(answer.fingerprint).toBe(new X509Certificate(first?.cert ?? '').fingerprint256);
  });

  it('takes its default paths where TLS is asked for and none are given', async () => {
    const place = await temporaryFolder();
    await writePair(join(place.path, 'certs'), 'server', first as Pair);
    const program = Program.start({
      args: ['serve', '--transport', 'http', '--port', '0', '--state-dir', place.path, '--tls'],
      cwd: place.path,
    });
    const [, found = ''] = await program.said(/MCP endpoint: +(\S+)/);
    expect((await secureAsk(found, { ...trusting(first), body: INITIALIZE })).status).toBe(200);
    await program.stop();
    await place.remove();
  });

  it('has no answer for who speaks plain, and goes on', async () => {
    await start();
    const plain = connectPlain(server?.port ?? 0, '127.0.0.1');
    plain.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}');
    let received = '';
    plain.on('data', (bytes) => (received += bytes.toString('latin1'))).on('error', () => undefined);
    await new Promise((resolve) => plain.on('close', resolve));
    expect(received).not.toContain('HTTP/1.1');
    await expect(fetch(url().replace('https:', 'http:'))).rejects.toThrow();
    expect((await ask()).status).toBe(200);
  });

  it('serves the official client, which trusts the certificate as any', async () => {
    const { cert } = await start();
    const script = `
      import { Client } from '@modelcontextprotocol/sdk/client/index.js';
      import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
      const client = new Client({ name: 'tls', version: '1' });
      await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[1])));
      const { content } = await client.callTool({ name: 'echo', arguments: { message: 'over TLS' } });
      console.log(content[0].text);
      await client.close();
    `;
    const run = (env: Record<string, string>) =>
      Program.run({
        command: [process.execPath, '--input-type=module', '-e', script],
        args: [url()],
        env,
        cwd: ROOT,
      });
    expect(await run({ NODE_EXTRA_CA_CERTS: cert })).toMatchObject({ code: 0, stdout: 'Echo: over TLS\n' });
    expect((await run({})).stderr).toMatch(/self-signed certificate|fetch failed/);
  });

  it('D-3 hears a client leave, as without TLS', async () => {
    await start([], { plugins: [fixture('contract/index')] });
    const call = modernCall(1, 'wait_for_abort', 'tls');
    const left = new AbortController();
    const waiting = ask({ ...call, signal: left.signal }).catch((error: Error) => error.name);
    expect((await ask(modernCall(2, 'start_of', 'tls'))).text).toContain('started');
    left.abort();
    expect(await waiting).toBe('AbortError');
    expect((await ask(modernCall(3, 'abort_of', 'tls'))).text).toContain('the client closed the stream');
  });

  it('speaks no TLS that is older than it is told', async () => {
    await start();
    expect(await failureOf({ maxVersion: 'TLSv1.2' })).toBe('answered with 200');
    await server?.dispose();
    const paths = await writePair(folder.path, 'strict', first as Pair);
    server = await BuiltServer.start({
      env: { MCP_TLS_CERT: paths.cert, MCP_TLS_KEY: paths.key, MCP_TLS_MIN_VERSION: '1.3' },
    });
    expect(await failureOf({ maxVersion: 'TLSv1.2' })).toMatch(/^(EPROTO|ERR_SSL.*)$/);
    expect((await ask()).status).toBe(200);
  });

  it('S2-39 keeps browsers to it, on the endpoint and on pages', async () => {
    await start();
    const expected = {
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining('default-src'),
    };
    const page = await secureAsk(new URL('/health/live', url()).href, trusting(first));
    for (const { headers } of [await ask(), page]) {
      expect(headers).toMatchObject(expected);
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });
});

describe('W-14 TLS that was asked for and cannot be had ends the start with 78', () => {
  const refused = async (flags: readonly string[]): Promise<string> => {
    const args = ['serve', '--transport', 'http', '--port', '0', '--state-dir', join(folder.path, 'state'), ...flags];
    const { code, stderr } = await Program.run({ args, cwd: folder.path });
    expect([code, /\n +at .*:\d+/.test(stderr)]).toEqual([78, false]);
    return stderr;
  };

  it('where files are missing, all named at once', async () => {
    const stderr = await refused(['--tls']);
    expect(stderr).toContain('./certs/server.crt cannot be read (ENOENT)');
    expect(stderr).toContain('./certs/server.key cannot be read (ENOENT)');
    expect(stderr).toContain('gatehouse certs');
  });

  it('where the key may not be read', async () => {
    const paths = await writePair(folder.path, 'closed', first as Pair);
    await chmod(paths.key, 0);
    const stderr = await refused([
      '--ssl-cert',
      paths.cert,
      '--ssl-key',
      process.getuid?.() === 0 ? folder.path : paths.key,
    ]);
    // Nothing is closed to the superuser but a folder in the place of a file.
    expect(stderr).toMatch(/cannot be read \((EACCES|EISDIR)\)/);
  });

  it('where the key belongs to another certificate, or is none; nothing of it is shown', async () => {
    const [paths, other] = await Promise.all([
      writePair(folder.path, 'one', first as Pair),
      writePair(folder.path, 'other', second as Pair),
    ]);
    expect(await refused(['--ssl-cert', paths.cert, '--ssl-key', other.key])).toContain(
      `${other.key} does not belong to the certificate ${paths.cert}`,
    );
    await writeFile(other.key, (second?.key ?? '').slice(0, 300));
    const stderr = await refused(['--ssl-cert', other.cert, '--ssl-key', other.key]);
    expect(stderr).toContain(`${other.key} holds no private key in PEM form`);
    expect(stderr).not.toContain((second?.key ?? '').split('\n')[1]?.slice(0, 16));
  });

  it('where client certificates are wanted, and no CA says which', async () => {
    const { code, stderr } = await Program.run({
      args: ['serve', '--transport', 'http', '--tls'],
      env: { MCP_TLS_CLIENT_AUTH: 'require' },
      cwd: folder.path,
    });
    expect(code).toBe(78);
    expect(stderr).toContain('--ssl-client-ca');
  });
});

describe('a certificate that is replaced while clients call', () => {
  it('is used for connections from then on, and no call fails', async () => {
    const paths = await start(['--rate-limit', '100000']);
    const seen = new Set<string>();
    const failures: unknown[] = [];
    let isOver = false;
    const caller = async (): Promise<void> => {
      while (!isOver && failures.length === 0) {
        // Which of the two is shown is seen by its fingerprint: both have the one name that clients look for a CA by.
        await ask({ rejectUnauthorized: false }).then(
          ({ status, fingerprint }) => (status === 200 ? seen.add(fingerprint) : failures.push(status)),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const callers = Array.from({ length: 4 }, caller);
    try {
      await until(() => seen.size === 1, 'a call');
      await writePair(join(paths.cert, '..'), 'server', second as Pair);
      await until(() => seen.size === 2, 'the new certificate');
    } finally {
      isOver = true;
    }
    await Promise.all(callers);
    expect(failures).toEqual([]);
    expect([...seen]).toEqual([first, second].map((pair) => new X509Certificate(pair?.cert ?? '').fingerprint256));
    await server?.said(/\[SECURITY\].*config_reloaded/);
    expect((await ask(trusting(second))).fingerprint).toBe(new X509Certificate(second?.cert ?? '').fingerprint256);
  });

  it('is not used where it does not fit, which is told; SIGHUP has the files read at once', async () => {
    const paths = await start();
    await writeFile(paths.cert, second?.cert ?? '');
    process.kill(server?.pid ?? 0, 'SIGHUP');
    await server?.said(/\[SECURITY\].*config_rejected.*does not belong to the certificate/);
    expect((await ask()).status).toBe(200);
    await rm(paths.cert);
    process.kill(server?.pid ?? 0, 'SIGHUP');
    await server?.said(/\[SECURITY\].*config_rejected.*ENOENT/);
    expect((await ask()).status).toBe(200);
    await writePair(join(paths.cert, '..'), 'server', second as Pair);
    process.kill(server?.pid ?? 0, 'SIGHUP');
    await server?.said(/SSL\/TLS certificate taken anew/);
    expect((await ask(trusting(second))).status).toBe(200);
  });
});

describe('S0-28 client certificates', () => {
  const ca = (): readonly string[] => ['--ssl-client-ca', join(folder.path, 'client-ca.crt')];
  const as = (pair: Pair | undefined) => ({ cert: pair?.cert ?? '', key: pair?.key ?? '' });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are required where a CA is given, over %s', async (maxVersion) => {
    await start(ca());
    expect(await failureOf({ ...as(alice), maxVersion })).toBe('answered with 200');
    expect(await failureOf({ maxVersion })).not.toMatch(/^answered/);
    expect(await failureOf({ ...as(mallory), maxVersion })).not.toMatch(/^answered/);
    await server?.said(/\[SECURITY\].*invalid_auth.*ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/);
    await server?.said(/\[SECURITY\].*invalid_auth.*client certificate: (?!ERR_SSL)/);
  });

  it.each(['request', 'none'])('are not required where the setting is %s', async (mode) => {
    const paths = await writePair(folder.path, `mode-${mode}`, first as Pair);
    const tls = { MCP_TLS_CERT: paths.cert, MCP_TLS_KEY: paths.key, MCP_TLS_CLIENT_AUTH: mode };
    server = await BuiltServer.start({ env: tls, flags: ca() });
    for (const client of [{}, as(alice), as(mallory)]) {
      expect(await failureOf({ ...client, maxVersion: 'TLSv1.3' })).toBe('answered with 200');
    }
  });
});
