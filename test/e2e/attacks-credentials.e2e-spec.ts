import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { exportJWK, SignJWT } from 'jose';
import { encoded, JWT_SECRET, signedToken, TOKEN } from '../support/auth-world.js';
import { tampered } from '../support/forger.js';
import { KeyServer } from '../support/key-server.js';
import type { Json } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { until } from '../support/waiting.js';
import { AttackWorld, bearer, LONG_MS, NETWORK_DOORS, type NetworkDoor, type Refused } from './attack-world.js';

jest.setTimeout(LONG_MS);

const ISSUER = 'https://login.example.com';
const AUDIENCE = 'gatehouse';
/** In which a line that was written is here. */
const SETTLING_MS = 20;
const SIGNED_ELSEWHERE = 'Zz4Kq9Wm2Xc7Vb1Nn6Lp0Rt3Ys8Hd5GfJk2Qa';

/** A credential that somebody made up, stole or kept too long, and what the log says of it. */
interface Attack {
  readonly name: string;
  readonly token: () => string | Promise<string>;
  readonly reason: string;
}

describe('attacks with credentials', () => {
  let world: AttackWorld;
  let issuer: KeyServer;
  /** Keys of the attacker, at a URL of theirs. */
  let foreign: KeyServer;
  let claims: Json;
  const keys = new Map<string, string>();
  const tried: string[] = [];

  beforeAll(async () => {
    [issuer, foreign] = await Promise.all([KeyServer.start(), KeyServer.start()]);
    world = await AttackWorld.open({
      plugins: [fixture('auth/index')],
      env: {
        MCP_AUTH_TOKENS: `root:admin:${TOKEN}`,
        MCP_JWT_SECRET: JWT_SECRET,
        MCP_JWT_JWKS_URL: issuer.url,
        MCP_JWT_ISSUER: ISSUER,
        MCP_JWT_AUDIENCE: AUDIENCE,
      },
    });
    claims = { iss: ISSUER, aud: AUDIENCE, sub: 'carol', exp: inSeconds(600), roles: ['admin'] };
    for (const name of ['revoked', 'rotated', 'good']) {
      const { json } = await world.as(TOKEN, 'POST', '/admin/keys', { name, roles: ['operator'] });
      const { key, token } = json as { key: { id: string }; token: string };
      keys.set(name, token);
      if (name === 'revoked') await world.as(TOKEN, 'DELETE', `/admin/keys/${key.id}`);
      if (name === 'rotated') await world.as(TOKEN, 'POST', `/admin/keys/${key.id}/rotate`, { overlapMs: 0 });
    }
  }, LONG_MS);

  afterAll(async () => {
    await Promise.all([world.dispose(), issuer.stop(), foreign.stop()]);
  }, LONG_MS);

  const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;
  const keyOf = (name: string): string => keys.get(name) as string;
  const pem = (type: 'spki' | 'pkcs1'): string => String(issuer.publicKey('rsa').export({ type, format: 'pem' }));
  /** By a key of the attacker, under any header. */
  const byAttacker = (header: object): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(foreign.privateKey('rsa'));
  const byIssuer = (changed: Json, header: object = {}): Promise<string> =>
    issuer.sign('rsa', { ...claims, ...changed }, header);
  const kid = (value: unknown): Promise<string> => byAttacker({ kid: value });

  const ATTACKS: readonly Attack[] = [
    { name: 'alg none', token: () => signedToken(claims, { alg: 'none' }), reason: 'algorithm' },
    {
      name: 'alg none without a signature',
      token: () => `${encoded({ alg: 'none' })}.${encoded(claims)}.`,
      reason: 'algorithm',
    },
    { name: 'alg nOnE', token: () => `${encoded({ alg: 'nOnE' })}.${encoded(claims)}.`, reason: 'algorithm' },
    {
      name: 'the public key as the secret of HS256 (algorithm confusion)',
      token: () => signedToken(claims, { kid: 'rsa' }, pem('spki')),
      reason: 'signature',
    },
    {
      name: 'the same in its other form',
      token: () => signedToken(claims, { kid: 'rsa' }, pem('pkcs1')),
      reason: 'signature',
    },
    { name: 'HS512 with the right secret', token: () => signedToken(claims, { alg: 'HS512' }), reason: 'algorithm' },
    { name: 'another secret', token: () => signedToken(claims, {}, SIGNED_ELSEWHERE), reason: 'signature' },
    {
      name: 'a key of the attacker under the name of a real one',
      token: () => byAttacker({ kid: 'rsa' }),
      reason: 'signature',
    },
    {
      name: 'a key within the token itself (jwk)',
      token: async () => byAttacker({ kid: 'rsa', jwk: await exportJWK(foreign.publicKey('rsa')) }),
      reason: 'signature',
    },
    {
      name: 'a URL of keys within the token (jku, x5u)',
      token: () => byAttacker({ kid: 'rsa', jku: foreign.url, x5u: foreign.url }),
      reason: 'signature',
    },
    { name: 'kid that is a path', token: () => kid('../../../../dev/null'), reason: 'unknown_key' },
    { name: 'kid that is SQL', token: () => kid("x' UNION SELECT 'secret"), reason: 'unknown_key' },
    { name: 'kid that is a URL', token: () => kid(foreign.url), reason: 'unknown_key' },
    { name: 'kid that is a command', token: () => kid('rsa; curl http://127.0.0.1'), reason: 'unknown_key' },
    { name: 'kid of what all objects have', token: () => kid('__proto__'), reason: 'unknown_key' },
    {
      name: 'kid that is an object',
      token: () => signedToken(claims, { kid: { $ne: null } }),
      reason: 'malformed',
    },
    { name: 'kid without end', token: () => signedToken(claims, { kid: 'k'.repeat(3_000) }), reason: 'malformed' },
    {
      name: 'an extension that must be understood (crit)',
      token: () => signedToken(claims, { crit: ['exp'], exp: 1 }),
      reason: 'malformed',
    },
    { name: 'an identity token', token: () => byIssuer({}, { typ: 'id+jwt' }), reason: 'malformed' },
    {
      name: 'a token with its claims changed',
      token: async () => {
        const [head, , signature] = (await byIssuer({})).split('.');
        return [head, encoded({ ...claims, sub: 'root' }), signature].join('.');
      },
      reason: 'signature',
    },
    { name: 'an expired token', token: () => byIssuer({ exp: inSeconds(-120) }), reason: 'expired' },
    { name: 'a token that is not good yet', token: () => byIssuer({ nbf: inSeconds(300) }), reason: 'not_yet_valid' },
    { name: 'a token for another audience', token: () => byIssuer({ aud: 'billing' }), reason: 'audience' },
    { name: 'a token for nobody', token: () => byIssuer({ aud: undefined }), reason: 'audience' },
    { name: 'a token of another issuer', token: () => byIssuer({ iss: 'https://evil.example' }), reason: 'issuer' },
    { name: 'a token that names our own issuer', token: () => byIssuer({ iss: 'gatehouse' }), reason: 'issuer' },
    { name: 'a token without an end', token: () => byIssuer({ exp: undefined }), reason: 'claims' },
    { name: 'the token of a revoked key', token: () => keyOf('revoked'), reason: 'revoked' },
    { name: 'the old token of a rotated key', token: () => keyOf('rotated'), reason: 'wrong_secret' },
    {
      name: 'the id of a key with another secret',
      token: () => tampered(keyOf('good'), keyOf('good').length - 3),
      reason: 'wrong_secret',
    },
    {
      name: 'a key that there never was',
      token: () => `ghk_aaaaaaaaaa_${'A'.repeat(43)}`,
      reason: 'unknown_key',
    },
    {
      name: 'the hash of a key, as the state folder has it',
      token: () => createHash('sha256').update(keyOf('good')).digest('hex'),
      reason: 'unknown_token',
    },
    { name: 'a token cut short', token: () => TOKEN.slice(0, -1), reason: 'unknown_token' },
    { name: 'a token and something more', token: () => `${TOKEN}x`, reason: 'unknown_token' },
    { name: 'a token with another character', token: () => tampered(TOKEN, 3), reason: 'unknown_token' },
    { name: 'a token in capitals', token: () => TOKEN.toUpperCase(), reason: 'unknown_token' },
    { name: 'the local credential, guessed', token: () => `ghl_${'A'.repeat(43)}`, reason: 'wrong_secret' },
  ];

  /** Tells what a door says of a token, and what the log does. */
  async function attempt(door: NetworkDoor, token: string): Promise<readonly [unknown, unknown]> {
    const event = door === 'tcp' ? 'tcp_auth_failed' : 'invalid_auth';
    const told = async (): Promise<readonly Json[]> => world.doors.events(event, 0);
    const before = (await told()).length;
    let refused: Refused | undefined;
    // Of many events in one second not all are written: then it knocks again.
    const events = await until(async () => {
      refused = await world.knock(door, token);
      await pause(SETTLING_MS);
      const now = await told();
      return !refused || now.length > before ? now : undefined;
    }, `the event of ${door}`);
    if (!refused) return ['let in', undefined];
    return [refused, events.at(-1)?.['reason']];
  }

  it('what is right is let in at every door: the attacks fail for what is wrong with them', async () => {
    for (const token of [TOKEN, keyOf('good'), signedToken(claims), await byIssuer({})]) {
      for (const door of NETWORK_DOORS) expect([door, await world.knock(door, token)]).toEqual([door, undefined]);
    }
  });

  it.each(ATTACKS)('$name: refused at every door, in the same words, and told of as $reason', async (attack) => {
    const token = await attack.token();
    tried.push(token);
    for (const door of NETWORK_DOORS) {
      // Words that differ would tell a guesser how near they are.
      const status = door === 'tcp' ? undefined : 401;
      const message = `${door === 'websocket' ? 'Unauthorized: ' : ''}Authentication failed`;
      const refused = { status, kind: 'auth_failed', message };
      expect([door, ...(await attempt(door, token))]).toEqual([door, refused, attack.reason]);
    }
  });

  it('nobody asks a URL that stands in a token (SSRF): its owner never heard of us', () => {
    expect(foreign.asked).toBe(0);
  });

  it('an issuer is not asked again for each key that a stranger makes up', async () => {
    const before = issuer.asked;
    for (let at = 0; at < 20; at++) await world.knock('http', await kid(`made-up-${at}`));
    expect(issuer.asked - before).toBeLessThanOrEqual(1);
  });

  it('the challenge says that it is wrong, and not how', async () => {
    const challenges = new Set<string | null>();
    for (const token of [tampered(TOKEN, 3), keyOf('revoked'), keyOf('rotated'), `ghk_aaaaaaaaaa_${'A'.repeat(43)}`]) {
      const { headers } = await world.http.post('{}', bearer(token));
      challenges.add(headers.get('www-authenticate'));
    }
    expect([...challenges]).toEqual([expect.stringMatching(/^Bearer .*error="invalid_token"/)]);
  });

  it('a credential in a URL or a cookie is none, at any path: neither ends up in logs of proxies, or is sent unasked', async () => {
    const { doors, http } = world;
    const cookie = { Cookie: `token=${TOKEN}; access_token=${TOKEN}; Authorization=Bearer ${TOKEN}` };
    const query = `?access_token=${TOKEN}&token=${TOKEN}&authorization=Bearer%20${TOKEN}`;
    const posted = await new RawHttp(`${http.url}${query}`).post('{"jsonrpc":"2.0","id":1,"method":"ping"}', cookie);
    expect([posted.status, answerIn(posted.frames).error?.data]).toMatchObject([401, { kind: 'auth_required' }]);
    for (const path of ['/mcp', '/sse', '/tools', '/admin/keys', '/metrics', '/events', '/docs-json']) {
      const { status } = await world.rest.send('GET', `${path}${query}`, {
        headers: { ...cookie, Accept: 'text/event-stream, application/json' },
      });
      expect([path, status]).toEqual([path, 401]);
    }
    const upgrade = await RawWebSocket.refusal(`${doors.wsUrl}${query}`, { headers: cookie });
    expect([upgrade.status, upgrade.body]).toMatchObject([401, { error: { data: { kind: 'auth_required' } } }]);
  });

  it('W-37 nothing of any of these is in the logs, the audit log or the state folder', async () => {
    const written = await world.written();
    expect(tried.length).toBe(ATTACKS.length);
    // The hash of a key is what the state folder has by right.
    const secrets = [...tried, TOKEN, JWT_SECRET, ...keys.values()].filter((secret) => !/^[0-9a-f]{64}$/.test(secret));
    for (const secret of secrets) expect(written.includes(secret.slice(-24))).toBe(false);
  });
});
