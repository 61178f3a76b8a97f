import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AuthWorld, JWT_SECRET, signedToken, TOKEN } from '../../test/support/auth-world.js';
import { isGatehouseError } from '../common/index.js';
import type { ConfigOverrides } from '../config/index.js';
import type { Principal } from './principal.js';

const SETTINGS: ConfigOverrides = { auth: { tokens: `alice:operator:${TOKEN}`, jwtSecret: JWT_SECRET } };

let world: AuthWorld;

beforeEach(async () => {
  world = await AuthWorld.open(SETTINGS);
});

const claims = (more: object = {}): object => {
  const now = world.clock.now() / 1_000;
  return { sub: 'carol', iat: now, exp: now + 60, roles: ['viewer'], ...more };
};

describe('ChainAuthenticator', () => {
  it('S2-7 lets in whoever has a token of the settings, at once, as who the settings say', () => {
    const principal = world.show(TOKEN);
    expect(principal).toEqual({
      issuer: 'gatehouse',
      subject: 'alice',
      roles: ['operator'],
      isAuthenticated: true,
      credentialId: 'token:alice',
    });
    expect(Object.isFrozen(principal)).toBe(true);
    expect(Object.isFrozen((principal as Principal).roles)).toBe(true);
  });

  it('K-26 answers what it has verified before without a promise', async () => {
    const token = signedToken(claims());
    const first = world.show(token);
    expect(first).toBeInstanceOf(Promise);
    expect(world.show(token)).toBeInstanceOf(Promise);
    const principal = await first;
    expect(principal).toMatchObject({ issuer: 'jwt', subject: 'carol' });
    await Promise.resolve();
    expect(world.show(token)).toMatchObject({ subject: 'carol' });
    world.clock.advance(60_000 + 30_000);
    expect(await world.refusal(token)).toBe('expired');
  });

  it('refuses who shows nothing, and says how to get in', async () => {
    const error = await Promise.resolve()
      .then(() => world.show(undefined))
      .catch((thrown: unknown) => thrown);
    expect(isGatehouseError(error) && [error.kind, error.message]).toEqual([
      'auth_required',
      'Authentication required',
    ]);
    expect(isGatehouseError(error) && error.data?.['hint']).toContain('Authorization: Bearer');
    expect(world.security.events).toEqual([
      { event: 'invalid_auth', details: { transport: 'http', ip: '203.0.113.7', reason: 'missing_credential' } },
    ]);
  });

  it.each([
    ['another token', 'Kd93mfQ1zUw7Yb5Ra0Lt8Xe2Vh6Nc4JP', 'unknown_token'],
    ['a key that there is none of', `ghk_nobody_${'A'.repeat(43)}`, 'unknown_key'],
    ['half a key', 'ghk_nobody', 'malformed'],
    ['a guess at the local credential', `ghl_${'A'.repeat(43)}`, 'wrong_secret'],
    ['a token with no algorithm', 'eyJhbGciOiJub25lIn0.e30.', 'algorithm'],
  ])('S2-7 refuses %s, writes down why, and never what was shown', async (_what, token, reason) => {
    const error = await Promise.resolve()
      .then(() => world.show(token))
      .catch((thrown: unknown) => thrown);
    expect(isGatehouseError(error) && [error.kind, error.message]).toEqual(['auth_failed', 'Authentication failed']);
    expect(world.security.events.map(({ details }) => details['reason'])).toEqual([reason]);
    expect(JSON.stringify([world.security.events, error])).not.toContain(token);
  });

  it.each(['Basic YWxpY2U6eA==', 'Bearer', 'Bearer ', `Bearer a b`, `Bearer ${TOKEN} x`, 'Bearer tökén', `${TOKEN}`])(
    'takes no header like %j for a token',
    async (authorization) => {
      expect(await world.refusal(undefined, { authorization })).toBe('unsupported_scheme');
    },
  );

  it.each([`bearer ${TOKEN}`, `BEARER  ${TOKEN}`, `Bearer ${TOKEN} `])('takes %j', async (authorization) => {
    expect(await world.show(undefined, { authorization })).toMatchObject({ subject: 'alice' });
  });

  it('S2-12 holds a token to its doors, and says why where another is tried', async () => {
    world = await AuthWorld.open({ auth: { tokens: `alice:operator:${TOKEN}:tcp+websocket` } });
    expect(await world.refusal(TOKEN)).toBe('other_door');
    expect(await world.refusal(TOKEN, { door: undefined })).toBe('other_door');
    expect(await world.show(TOKEN, { door: 'tcp' })).toMatchObject({ subject: 'alice' });
    // Also once it is remembered.
    expect(await world.refusal(TOKEN)).toBe('other_door');
  });

  it('S2-14 takes the old and the new token of one name', async () => {
    const other = `${TOKEN.slice(1)}Z`;
    world = await AuthWorld.open({ auth: { tokens: `alice:operator:${TOKEN},alice:operator:${other}` } });
    expect(await world.show(TOKEN)).toMatchObject({ subject: 'alice' });
    expect(await world.show(other)).toMatchObject({ subject: 'alice' });
  });

  it('6.1 writes a success down once for as long as it is remembered', async () => {
    await world.show(TOKEN);
    await world.show(TOKEN);
    expect(world.security.events).toEqual([
      {
        event: 'auth_success',
        details: {
          transport: 'http',
          ip: '203.0.113.7',
          principal: 'gatehouse/alice',
          method: 'token',
          keyId: 'token:alice',
        },
      },
    ]);
  });

  it('D-11 takes the local credential for managing alone', async () => {
    const { token } = world.parts.local;
    expect(await world.show(token, { door: 'rest' })).toMatchObject({ subject: 'local-admin', roles: ['admin'] });
    expect(await world.refusal(token)).toBe('other_door');
  });

  it('stdio is vouched for by the operating system', () => {
    expect(world.parts.chain.local()).toMatchObject({ subject: 'local', roles: ['operator'], isAuthenticated: false });
  });

  it('whatever is shown, it lets in or refuses, and never fails', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'Bearer ',
        'bearer',
        'ghk_',
        'ghl_',
        'eyJhbGciOiJIUzI1NiJ9',
        '.',
        '_',
        'e30',
        TOKEN,
        '\u0000',
        '%',
      ),
      fc.string({ maxLength: 20 }),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const authorization = pieces.join('');
        const reason = await world.refusal(undefined, { authorization, address: '127.0.0.1' });
        expect(reason === undefined).toBe(
          /^bearer +\S+ *$/i.test(authorization) && authorization.trim().endsWith(` ${TOKEN}`),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('ChainAuthenticator, where no proof is required', () => {
  beforeEach(async () => {
    world = await AuthWorld.open({ auth: { enabled: false } });
  });

  it('D-11 takes everybody for anonymous, and whatever they show that is nothing here', async () => {
    expect(world.parts.chain.isRequired).toBe(false);
    for (const token of [undefined, 'something-of-a-proxy-in-front', 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA']) {
      expect(await world.show(token)).toMatchObject({ subject: 'anonymous', isAuthenticated: false });
    }
    expect(await world.show(undefined, { authorization: 'Basic YTpi' })).toMatchObject({ subject: 'anonymous' });
    expect(world.security.events).toEqual([]);
  });

  it('D-11 honours a key all the same, as managing needs one, and refuses a wrong one', async () => {
    const { key, token } = await world.parts.keys.create({ name: 'root', roles: ['admin'] }, 'spec');
    expect(await world.show(token)).toMatchObject({ subject: 'root', roles: ['admin'], credentialId: key.id });
    expect(await world.refusal(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`)).toBe('wrong_secret');
  });
});

describe('ChainAuthenticator, with certificates', () => {
  const certificate = { subject: 'CN=alice,OU=Ops,O=Example\\, Inc.', fingerprint: 'ab12' };
  const open = async (certificateRoles: string): Promise<void> => {
    world = await AuthWorld.open({ auth: { certificateRoles }, tls: { clientCa: 'ca.crt' } });
  };

  it('S0-28 takes the subject of a verified certificate, by the whole name before the common name', async () => {
    await open(`alice=viewer; ${certificate.subject}=operator; *=viewer`);
    expect(await world.show(undefined, { certificate })).toEqual({
      issuer: 'mtls',
      subject: certificate.subject,
      roles: ['operator'],
      isAuthenticated: true,
      credentialId: 'ab12',
    });
    expect(await world.show(undefined, { certificate: { subject: 'CN=alice', fingerprint: '1' } })).toMatchObject({
      subject: 'CN=alice',
      roles: ['viewer'],
    });
  });

  it.each([
    'CN=bob',
    'CN=bob,CN=alice',
    'CN=bob+CN=alice',
    'O=CN\\=alice',
    'OU=x\\,CN=alice',
    'OU=x\\,CN=alice,CN=bob',
    'CN=alice,OU=x\\\\,CN=bob',
    '',
  ])('S0-28 refuses %j where alice alone is let in', async (subject) => {
    await open('alice=viewer');
    expect(await world.refusal(undefined, { certificate: { subject, fingerprint: '1' } })).toBe('unknown_subject');
  });

  it('S0-28 ends with the certificate', async () => {
    await open('*=viewer');
    const expiring = { ...certificate, expiresAt: world.clock.now() + 1_000 };
    expect(await world.show(undefined, { certificate: expiring })).toMatchObject({ expiresAt: expiring.expiresAt });
    world.clock.advance(1_000);
    expect(await world.refusal(undefined, { certificate: expiring })).toBe('expired');
  });

  it('a token decides over a certificate, and a wrong one is not saved by it', async () => {
    await open('*=viewer');
    expect(await world.refusal('no-token-of-ours', { certificate })).toBe('unknown_token');
  });

  it('says who calls only where it is told to', async () => {
    expect(await world.refusal(undefined, { certificate })).toBe('missing_credential');
  });
});
