import { createHmac, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { exportJWK, SignJWT } from 'jose';
import { AuthWorld, encoded, JWT_SECRET, signedToken } from '../../../test/support/auth-world.js';
import type { ConfigOverrides } from '../../config/index.js';
import { publicKeySignatures } from './public-key-signatures.js';

let world: AuthWorld;

const seconds = (): number => Math.floor(world.clock.now() / 1_000);
const claims = (more: object = {}): object => ({ sub: 'carol', exp: seconds() + 600, roles: ['operator'], ...more });

async function open(auth: NonNullable<ConfigOverrides['auth']> = {}, server: ConfigOverrides['server'] = {}) {
  world = await AuthWorld.open({ server, auth: { jwtSecret: JWT_SECRET, ...auth } });
}

describe('JSON Web Tokens with a secret', () => {
  beforeEach(() => open());

  it('S2-10 let in who has a sound one, as who it names', async () => {
    const token = signedToken(claims({ iss: 'https://issuer.example', scope: 'files:read files:write', jti: 't-1' }));
    expect(await world.show(token)).toEqual({
      issuer: 'https://issuer.example',
      subject: 'carol',
      roles: ['operator'],
      scopes: ['files:read', 'files:write'],
      isAuthenticated: true,
      credentialId: 't-1',
      expiresAt: (seconds() + 600 + 30) * 1_000,
    });
  });

  it.each<[string, object]>([
    ['an algorithm of none', { alg: 'none' }],
    ['one of None', { alg: 'None' }],
    ['another HMAC', { alg: 'HS512' }],
    ['one with public keys, where there are none', { alg: 'RS256' }],
    ['one that is an object property', { alg: '__proto__' }],
  ])('S2-10 refuse %s', async (_what, header) => {
    expect(await world.refusal(signedToken(claims(), header))).toBe('algorithm');
    const [head = '', body = ''] = signedToken(claims(), header).split('.');
    expect(await world.refusal(`${head}.${body}.`)).toBe('algorithm');
  });

  it.each<[string, object]>([
    ['an algorithm that is no text', { alg: ['HS256'] }],
    ['no algorithm', { alg: undefined }],
    ['a key id that is no text', { kid: { a: 1 } }],
    ['a key id without end', { kid: 'k'.repeat(257) }],
    ['extensions that must be understood', { crit: ['b64'], b64: false }],
    ['another kind of token', { typ: 'logout+jwt' }],
  ])('S2-10 refuse a header with %s', async (_what, header) => {
    expect(await world.refusal(signedToken(claims(), header))).toBe('malformed');
  });

  it.each<[string, object]>([
    ['a path', { kid: '../../../../dev/null' }],
    ['SQL', { kid: "x' UNION SELECT 'secret" }],
    ['a key of its own', { jwk: { kty: 'oct', k: 'AA' } }],
    ['an address to fetch keys from', { jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/c' }],
  ])('S2-10 take %s in the header for nothing: the secret alone decides', async (_what, header) => {
    expect(await world.show(signedToken(claims(), header))).toMatchObject({ subject: 'carol' });
    expect(await world.refusal(signedToken(claims(), header, 'AA'))).toBe('signature');
    expect(await world.refusal(signedToken(claims(), header, ''))).toBe('signature');
  });

  it('S2-10 refuse what was signed with another secret, or changed after', async () => {
    expect(await world.refusal(signedToken(claims(), {}, `${JWT_SECRET}x`))).toBe('signature');
    const [head = '', , tail = ''] = signedToken(claims()).split('.');
    expect(await world.refusal(`${head}.${encoded(claims({ roles: ['admin'] }))}.${tail}`)).toBe('signature');
  });

  it('S2-10 refuse what has expired or is not good yet, give and take the skew', async () => {
    const at = (from: number, to: number): string =>
      signedToken(claims({ nbf: seconds() + from, exp: seconds() + to }));
    expect(await world.refusal(at(-60, -31))).toBe('expired');
    expect(await world.refusal(at(31, 60))).toBe('not_yet_valid');
    expect(await world.refusal(at(29, 60))).toBeUndefined();
    expect(await world.refusal(at(-60, -29))).toBeUndefined();
    expect(await world.refusal(signedToken(claims({ iat: seconds() + 31 })))).toBe('not_yet_valid');
    await open({ jwtSkewSec: 0 });
    expect(await world.refusal(at(-60, -1))).toBe('expired');
  });

  it.each<[string, object]>([
    ['no end', { exp: undefined }],
    ['an end that is no time', { exp: '9999999999' }],
    ['an end beyond all times', { exp: 1e300 }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a subject that is no text', { sub: { toString: 'x' } }],
    ['a subject longer than a session id holds', { sub: 's'.repeat(641) }],
    ['a subject with a line break', { sub: 'a\nb' }],
    ['a subject with half a character', { sub: 'a\ud800' }],
    ['roles that are no texts', { roles: [{ name: 'admin' }] }],
    ['a role without end', { roles: ['r'.repeat(129)] }],
    ['too many roles', { roles: Array.from({ length: 65 }, (_none, at) => `r${at}`) }],
    ['a scope that is none', { scope: 'a"b' }],
    ['scopes that are no texts', { scp: [1] }],
  ])('D-7 refuse %s', async (_what, more) => {
    const reason = await world.refusal(signedToken(claims(more)));
    expect(reason === 'claims' || reason === 'signature').toBe(true);
  });

  it('bear no name of ours', async () => {
    for (const iss of ['gatehouse', 'mtls', 7]) {
      expect(await world.refusal(signedToken(claims({ iss, sub: 'local-admin' })))).toBe('issuer');
    }
  });

  it('S2-10 hold issuer and audience to the settings', async () => {
    await open({ jwtIssuer: 'us', jwtAudience: ['gatehouse-prod', 'gatehouse'] });
    const named = (more: object): string => signedToken(claims({ iss: 'us', aud: 'gatehouse', ...more }));
    expect(await world.refusal(named({}))).toBeUndefined();
    expect(await world.refusal(named({ aud: ['x', 'gatehouse-prod'] }))).toBeUndefined();
    expect(await world.refusal(named({ iss: 'them' }))).toBe('issuer');
    expect(await world.refusal(named({ iss: undefined }))).toBe('issuer');
    expect(await world.refusal(named({ iss: ['us'] }))).toBe('issuer');
    for (const aud of ['other', undefined, [], '', ['x'], { 0: 'gatehouse' }]) {
      expect([aud, await world.refusal(named({ aud }))]).toEqual([aud, 'audience']);
    }
  });

  it('S2-10 are for nobody else: an audience counts also where none is asked for', async () => {
    expect(await world.refusal(signedToken(claims({ aud: 'somebody-else' })))).toBe('audience');
    await open({}, { publicUrl: 'https://mcp.example.com' });
    for (const aud of ['https://mcp.example.com', 'https://mcp.example.com/', 'https://mcp.example.com/mcp']) {
      expect(await world.refusal(signedToken(claims({ aud })))).toBeUndefined();
    }
  });

  it('have the roles of the claim that the settings name, wherever it is', async () => {
    const rolesOf = async (claim: string, more: object): Promise<unknown> => {
      await open({ jwtRolesClaim: claim });
      return (await world.show(signedToken(claims({ roles: undefined, ...more })))).roles;
    };
    expect(await rolesOf('roles', { roles: 'viewer admin viewer' })).toEqual(['viewer', 'admin']);
    expect(await rolesOf('realm_access.roles', { realm_access: { roles: ['admin'] } })).toEqual(['admin']);
    expect(await rolesOf('https://a.com/roles', { 'https://a.com/roles': ['admin'] })).toEqual(['admin']);
    for (const claim of ['roles', 'a.b', '__proto__.x', 'constructor.name', 'sub.length']) {
      expect([claim, await rolesOf(claim, {})]).toEqual([claim, ['viewer']]);
    }
  });

  it('D-10 are gone when their principal, or they alone, are revoked', async () => {
    const one = signedToken(claims({ jti: 'one', iat: seconds() - 10 }));
    const other = signedToken(claims({ jti: 'other', iat: seconds() - 10 }));
    for (const token of [one, other]) expect(await world.refusal(token)).toBeUndefined();
    await world.parts.revocations.revoke({ kind: 'credential', id: 'one' }, 'spec');
    expect([await world.refusal(one), await world.refusal(other)]).toEqual(['revoked', undefined]);
    await world.parts.revocations.revoke({ kind: 'principal', issuer: 'jwt', subject: 'carol' }, 'spec');
    expect(await world.refusal(other)).toBe('revoked');
    world.clock.advance(2_000);
    expect(await world.refusal(signedToken(claims({ iat: seconds() })))).toBeUndefined();
    expect(await world.refusal(signedToken(claims()))).toBe('revoked');
  });

  it('whatever they hold, nothing but a refusal comes of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), async (header, payload) => {
        const text = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
        const signature = createHmac('sha256', JWT_SECRET).update(text).digest('base64url');
        expect(typeof (await world.refusal(`${text}.${signature}`, { address: '127.0.0.1' }))).toBe('string');
        const signed = signedToken({ sub: 'x', exp: 1, claims: payload }, {}, JWT_SECRET);
        expect(await world.refusal(signed, { address: '127.0.0.1' })).toBe('expired');
      }),
      { numRuns: 150 },
    );
  });
});

describe('JSON Web Tokens with public keys', () => {
  const ISSUER = 'https://login.example.com';
  const AUDIENCE = 'gatehouse';
  let issuer: KeyServer;

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    issuer = await KeyServer.start();
    await issuer.add('first', 'RS256');
    await openWithKeys();
  });

  afterEach(async () => {
    await issuer.stop();
    jest.restoreAllMocks();
  });

  async function openWithKeys(auth: NonNullable<ConfigOverrides['auth']> = {}): Promise<void> {
    world = await AuthWorld.open({
      auth: { jwksUrl: issuer.url, jwtIssuer: ISSUER, jwtAudience: [AUDIENCE], ...auth },
    });
  }

  const named = (more: object = {}): object => claims({ iss: ISSUER, aud: AUDIENCE, ...more });

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('D-19 take %s', async (algorithm) => {
    await issuer.add(algorithm, algorithm);
    const principal = await world.show(await issuer.sign(algorithm, named()));
    expect(principal).toMatchObject({ issuer: ISSUER, subject: 'carol', roles: ['operator'], scopes: [] });
    expect(principal.credentialId).toMatch(/^sha256:[0-9a-f]{16}$/);
  });

  it('D-19 refuse an algorithm that the settings leave out', async () => {
    await openWithKeys({ jwtAlgorithms: ['ES256'] });
    expect(await world.refusal(await issuer.sign('first', named()))).toBe('algorithm');
  });

  it('D-19 take no public key for a secret', async () => {
    const pem = issuer.publicKey('first').export({ type: 'spki', format: 'pem' });
    const jwk = JSON.stringify(issuer.publicKey('first').export({ format: 'jwk' }));
    for (const secret of [pem.toString(), pem.toString().trim(), jwk]) {
      expect(await world.refusal(signedToken(named(), { kid: 'first' }, secret))).toBe('algorithm');
    }
    await openWithKeys({ jwtSecret: JWT_SECRET });
    for (const secret of [pem.toString(), jwk]) {
      expect(await world.refusal(signedToken(named(), { kid: 'first' }, secret))).toBe('signature');
    }
    expect(await world.refusal(signedToken(named()))).toBeUndefined();
  });

  it('D-19 take no secret that the issuer lets slip among its keys', async () => {
    issuer.keys.push({ kty: 'oct', k: Buffer.from('leaked').toString('base64url'), kid: 'leaked', alg: 'HS256' });
    expect(await world.refusal(signedToken(named(), { kid: 'leaked' }, 'leaked'))).toBe('algorithm');
  });

  it('refuse another issuer, another audience, and none', async () => {
    expect(await world.refusal(await issuer.sign('first', named({ iss: `${ISSUER}/` })))).toBe('issuer');
    expect(await world.refusal(await issuer.sign('first', named({ iss: undefined })))).toBe('issuer');
    expect(await world.refusal(await issuer.sign('first', named({ aud: 'other' })))).toBe('audience');
    expect(await world.refusal(await issuer.sign('first', named({ aud: undefined })))).toBe('audience');
    expect(await world.refusal(await issuer.sign('first', named({ exp: seconds() - 60 })))).toBe('expired');
    expect(await world.refusal(await issuer.sign('first', named({ nbf: seconds() + 60 })))).toBe('not_yet_valid');
    expect(await world.refusal(await issuer.sign('first', named({ exp: undefined })))).toBe('claims');
  });

  it('refuse a signature by another key under the name of a known one', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = await new SignJWT(named() as never)
      .setProtectedHeader({ alg: 'RS256', kid: 'first' })
      .sign(privateKey);
    expect(await world.refusal(forged)).toBe('signature');
  });

  it.each(['../first', 'first\u0000', 'FIRST', '', 'http://127.0.0.1:1/x'])(
    'take the key id %j for a name alone',
    async (kid) => {
      const token = await issuer.sign('first', named(), { kid });
      expect(await world.refusal(token)).toBe('unknown_key');
      expect(issuer.paths).toEqual(['/jwks']);
    },
  );

  it("fetch the keys once for many tokens, and again when the issuer has new ones, but not at every stranger's will", async () => {
    const tokens = await Promise.all([1, 2, 3].map((jti) => issuer.sign('first', named({ jti: `t-${jti}` }))));
    for (const token of tokens) expect(await world.refusal(token)).toBeUndefined();
    expect(issuer.paths).toHaveLength(1);
    await issuer.add('second', 'ES256');
    const signatures = publicKeySignatures(world.config, issuer.url, 0);
    const rotated = await issuer.sign('second', named());
    expect(await signatures(rotated, world.clock.now())).toMatchObject({ claims: { sub: 'carol' } });
    const before = issuer.paths.length;
    for (let at = 0; at < 5; at++) await world.refusal(await issuer.sign('first', named(), { kid: randomUUID() }));
    expect(issuer.paths).toHaveLength(before);
  });

  it('are looked at again after 5 minutes: a key that was taken back does not go on for as long as its tokens', async () => {
    const token = await issuer.sign('first', named({ exp: seconds() + 3_600 }));
    await world.show(token);
    expect(world.show(token)).not.toBeInstanceOf(Promise);
    world.clock.advance(300_000);
    expect(world.show(token)).toBeInstanceOf(Promise);
  });

  it('answer auth_unavailable, and block nobody, while the keys are out of reach', async () => {
    const token = await issuer.sign('first', named());
    issuer.status = 500;
    for (let at = 0; at < 4; at++) expect(await world.refusal(token)).toBe('auth_unavailable');
    expect(world.parts.blocks.list()).toEqual([]);
    issuer.status = 200;
    expect(await world.refusal(token)).toBeUndefined();
  });
});

interface KeyPair {
  readonly algorithm: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** An issuer of tokens, with its keys at a URL of this machine. */
class KeyServer {
  readonly keys: object[] = [];
  readonly paths: string[] = [];
  status = 200;
  private readonly pairs = new Map<string, KeyPair>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<KeyServer> {
    const server = createServer();
    const self = new KeyServer(server);
    server.on('request', (req, res) => {
      self.paths.push(req.url ?? '');
      res.writeHead(self.status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: self.keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks`;
  }

  async add(kid: string, algorithm: string): Promise<void> {
    const pair = pairFor(algorithm);
    this.pairs.set(kid, { algorithm, ...pair });
    this.keys.push({ ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: 'sig' });
  }

  publicKey(kid: string): KeyObject {
    return this.pair(kid).publicKey;
  }

  sign(kid: string, claims: object, header: object = {}): Promise<string> {
    const { algorithm, privateKey } = this.pair(kid);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt', ...header })
      .sign(privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pair(kid: string): KeyPair {
    const pair = this.pairs.get(kid);
    if (!pair) throw new Error(`There is no key ${kid}`);
    return pair;
  }
}

function pairFor(algorithm: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}
