import { readFile, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JWT_SECRET, signedToken, TOKEN } from '../support/auth-world.js';
import { BuiltServer } from '../support/built-server.js';
import { KeyServer } from '../support/key-server.js';
import { type Json, request } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, type HttpAnswer, RawHttp } from '../support/raw-http.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
/** How late a revocation may be obeyed at worst (D-10). */
const REVOCATION_BOUND_MS = 5_000;
const BOB = 'Pw2nXv8Rk5Tz0Lb7Jc3Hs9Gd1Mf6Qy4A';
const ISSUER = 'https://login.example.com';

const ping = request('p', 'ping');
const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });

/** What `whoami` says of the caller. */
async function whoIs(http: RawHttp, token: string): Promise<Json> {
  const { session } = await http.initialize('2025-11-25', bearer(token));
  const { frames } = await http.post(request(1, 'tools/call', { name: 'whoami', arguments: {} }), session);
  const [content] = answerIn(frames).result?.['content'] as { text: string }[];
  return JSON.parse(content?.text ?? '') as Json;
}

const kindOf = ({ frames }: HttpAnswer): unknown => answerIn(frames).error?.data?.['kind'];

describe('authentication over HTTP', () => {
  let server: BuiltServer;
  let http: RawHttp;
  let keys: KeyServer;

  beforeAll(async () => {
    keys = await KeyServer.start();
    server = await BuiltServer.start({
      flags: ['--log-level', 'debug'],
      plugins: [fixture('auth/index')],
      env: {
        MCP_AUTH_TOKENS: `alice:operator:${TOKEN},bob:viewer:${BOB},tcp-only:viewer:${BOB}tcp:tcp`,
        MCP_JWT_SECRET: JWT_SECRET,
        MCP_JWT_JWKS_URL: keys.url,
        MCP_JWT_ISSUER: ISSUER,
        MCP_JWT_AUDIENCE: 'gatehouse',
        MCP_RATE_LIMIT_MAX: '100000',
      },
    });
    http = new RawHttp(server.url);
  }, LONG_MS);

  afterAll(async () => {
    await Promise.all([server.dispose(), keys.stop()]);
  }, LONG_MS);

  /** Runs `gatehouse keys` as the user of the server. */
  async function keysCommand(...args: string[]): Promise<{ stdout: string; stderr: string; code: number | null }> {
    return Program.run({ args: ['keys', ...args, '--state-dir', server.stateDir], cwd: server.stateDir });
  }

  it('K-4 is on where a credential is configured, and says so', async () => {
    await server.said(/Authentication: on/);
    expect(server.stderr).toContain('config.auth_implied');
  });

  it('S2-7 answers 401 Unauthorized with a challenge to who shows nothing or something wrong', async () => {
    for (const [headers, kind, text] of [
      [{}, 'auth_required', 'Authentication required'],
      [bearer(`${TOKEN}x`), 'auth_failed', 'Authentication failed'],
      [bearer(`${BOB}tcp`), 'auth_failed', 'Authentication failed'],
      [{ Authorization: 'Basic YWxpY2U6eA==' }, 'auth_failed', 'Authentication failed'],
    ] as const) {
      const answer = await http.post(ping, headers);
      expect([answer.status, answer.headers.get('www-authenticate')?.startsWith('Bearer ')]).toEqual([401, true]);
      expect(answerIn(answer.frames)).toMatchObject({ error: { code: -32000, message: text, data: { kind } } });
    }
    await server.said(/\[SECURITY\] .*invalid_auth.*unknown_token/);
  });

  it('S2-7 S0-27 S1-42 lets in who has a token, and 404 is all that another gets of the session', async () => {
    expect(await whoIs(http, TOKEN)).toMatchObject({ issuer: 'gatehouse', subject: 'alice', roles: ['operator'] });
    const { session } = await http.initialize('2025-11-25', bearer(TOKEN));
    expect((await http.post(ping, session)).status).toBe(200);
    const other = await http.post(ping, { ...session, ...bearer(BOB) });
    expect([other.status, kindOf(other)]).toEqual([404, 'session_not_found']);
    const stream = await http.stream({ ...session, ...bearer(BOB) });
    expect(stream.status).toBe(404);
    await stream.leave();
    expect((await http.delete({ ...session, ...bearer(BOB) })).status).toBe(404);
    expect((await http.post(ping, session)).status).toBe(200);
    await server.said(/session_hijack_attempt/);
  });

  it('S2-10 takes HS256, and refuses alg none, another secret, what has expired, and another audience', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: ISSUER, aud: 'gatehouse', sub: 'carol', exp: now + 600, roles: ['operator'], jti: 'jwt-1' };
    expect(await whoIs(http, signedToken(claims))).toMatchObject({
      issuer: ISSUER,
      subject: 'carol',
      credentialId: 'jwt-1',
    });
    for (const token of [
      signedToken(claims, { alg: 'none' }),
      `${signedToken(claims, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`,
      signedToken(claims, {}, `${JWT_SECRET}!`),
      signedToken({ ...claims, exp: now - 60 }),
      signedToken({ ...claims, nbf: now + 60 }),
      signedToken({ ...claims, aud: 'somebody-else' }),
      signedToken({ ...claims, iss: 'https://evil.example' }),
    ]) {
      const answer = await http.post(ping, bearer(token));
      expect([answer.status, kindOf(answer)]).toEqual([401, 'auth_failed']);
    }
  });

  it('D-19 takes keys of a JWKS URL, whichever of them signed, and no public key for a secret', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: ISSUER, aud: 'gatehouse', sub: 'dave', exp: now + 600, scope: 'tools:use' };
    expect(await whoIs(http, await keys.sign('rsa', claims))).toEqual({
      issuer: ISSUER,
      subject: 'dave',
      roles: ['viewer'],
      scopes: ['tools:use'],
      credentialId: expect.stringMatching(/^sha256:/),
    });
    expect(await whoIs(http, await keys.sign('ed', claims))).toMatchObject({ subject: 'dave' });
    const pem = keys.publicKey('rsa').export({ type: 'spki', format: 'pem' }).toString();
    for (const token of [
      signedToken(claims, { kid: 'rsa' }, pem),
      await keys.sign('rsa', { ...claims, aud: 'other' }),
      await keys.sign('rsa', claims, { kid: '../../etc/passwd' }),
    ]) {
      expect((await http.post(ping, bearer(token))).status).toBe(401);
    }
  });

  it(
    'D-10 a key that the command line makes is let in at once, and revoked, closes what it opened within the bound',
    async () => {
      const path = join(server.stateDir, 'admin.token');
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      const made = await keysCommand('create', 'erin', '--role', 'operator');
      expect(made.code).toBe(0);
      const token = made.stdout.trim();
      const { credentialId: id } = await whoIs(http, token);
      expect(id).toEqual(expect.stringMatching(/^[a-z0-9]{10}$/));

      const { session } = await http.initialize('2025-11-25', bearer(token));
      const stream = await http.stream(session);
      expect(stream.status).toBe(200);
      const rotated = await keysCommand('rotate', String(id), '--overlap-hours', '1');
      expect((await http.post(ping, session)).status).toBe(200);
      expect((await http.post(ping, { ...session, ...bearer(rotated.stdout.trim()) })).status).toBe(200);

      expect((await keysCommand('revoke', String(id))).code).toBe(0);
      const revokedAt = performance.now();
      await stream.closed;
      expect(performance.now() - revokedAt).toBeLessThan(REVOCATION_BOUND_MS);
      for (const shown of [token, rotated.stdout.trim()]) {
        const refused = await http.post(ping, { ...session, ...bearer(shown) });
        expect([refused.status, kindOf(refused)]).toEqual([401, 'auth_failed']);
      }
      expect((await keysCommand('list')).stdout).toMatch(new RegExp(`${String(id)} +erin +operator +revoked`));
      const { token: local } = JSON.parse(await readFile(path, 'utf8')) as { token: string };
      expect((await http.post(ping, bearer(local))).status).toBe(401);
    },
    LONG_MS,
  );

  it(
    'S2-14 keys outlast a restart, and are managed in the state folder while no server runs',
    async () => {
      const first = (await keysCommand('create', 'frank', '--role', 'viewer')).stdout.trim();
      await server.stop();
      await expect(stat(join(server.stateDir, 'admin.token'))).rejects.toMatchObject({ code: 'ENOENT' });
      const second = (await keysCommand('create', 'grace', '--role', 'admin')).stdout.trim();
      const frank = /^(\S+) +frank /m.exec((await keysCommand('list')).stdout)?.[1] as string;
      expect((await keysCommand('revoke', frank)).code).toBe(0);
      await server.restart();
      expect((await http.post(ping, bearer(first))).status).toBe(401);
      expect(await whoIs(http, second)).toMatchObject({ subject: 'grace', roles: ['admin'] });
    },
    LONG_MS,
  );

  it('W-37 no secret is in any log', async () => {
    await until(() => server.stderr.includes('auth_success'), 'a success in the log');
    for (const secret of [TOKEN, BOB, JWT_SECRET]) expect(server.stderr).not.toContain(secret);
    expect(server.stderr).not.toMatch(/gh[kl]_[a-z0-9]+_?[A-Za-z0-9_-]{20}|eyJ[A-Za-z0-9_-]{20}/);
  });
});

describe('starts that authentication ends', () => {
  it.each([
    ['a sample', 'alice:operator:your-secret-token-at-least-32-characters'],
    ['a short one', 'alice:operator:tooShort'],
  ])('S2-13 for a token that is %s, without showing it', async (_what, tokens) => {
    const folder = await temporaryFolder();
    const { code, stderr } = await Program.run({
      args: ['serve', '--transport', 'http', '--port', '0'],
      env: { MCP_AUTH_TOKENS: tokens, MCP_JWT_SECRET: 'change-me' },
      cwd: folder.path,
    });
    await folder.remove();
    expect(code).toBe(78);
    expect(stderr).toContain('MCP_AUTH_TOKENS in the environment must be');
    expect(stderr).toContain('MCP_JWT_SECRET in the environment must be');
    expect(stderr).not.toContain(tokens.split(':')[2]);
    expect(stderr).not.toContain('change-me');
  });
});

/** An address of this machine that is not loopback: what comes from it can be blocked. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((found) => found && !found.internal && found.family === 'IPv4')?.address;

(outside === undefined ? describe.skip : describe)('an address that guesses', () => {
  it(
    'S2-17 is blocked after three wrong credentials: 403 Forbidden, also with the right one',
    async () => {
      const server = await BuiltServer.start({
        flags: ['--host', String(outside)],
        env: { MCP_AUTH_TOKENS: `alice:operator:${TOKEN}`, MCP_BLOCK_DURATION_MS: '4000' },
      });
      try {
        const http = new RawHttp(server.url);
        expect((await http.post(ping)).status).toBe(401);
        for (let at = 0; at < 3; at++) expect((await http.post(ping, bearer(`${TOKEN}${at}`))).status).toBe(401);
        const blocked = await http.post(ping, bearer(TOKEN));
        expect([blocked.status, kindOf(blocked)]).toEqual([403, 'blocked']);
        expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0);
        await server.said(/ip_blocked/);
        await server.said(/blocked_connection/);
        // It ends by itself.
        await until(
          async () => (await http.initialize('2025-11-25', bearer(TOKEN))).status === 200,
          'the end of the block',
        );
      } finally {
        await server.dispose();
      }
    },
    LONG_MS,
  );
});
