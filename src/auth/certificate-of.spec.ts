import { once } from 'node:events';
import { Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { certificateOf } from './certificate-of.js';

type Pair = Awaited<ReturnType<typeof generate>>;

const NAME = [
  { name: 'organizationName', value: 'Example' },
  { name: 'commonName', value: 'alice' },
];

let server: Pair;
let alice: Pair;
let mallory: Pair;

beforeAll(async () => {
  const made = (attributes: typeof NAME): Promise<Pair> =>
    generate(attributes, { keyType: 'ec', extensions: [{ name: 'basicConstraints', cA: true }] });
  [server, alice, mallory] = await Promise.all([
    made([{ name: 'commonName', value: 'server' }]),
    made(NAME),
    made(NAME),
  ]);
}, 30_000);

/** What a server sees of a client, over a real handshake. */
async function seen(client: { readonly key?: string; readonly cert?: string }) {
  const listener = createServer({
    key: server.private,
    cert: server.cert,
    requestCert: true,
    rejectUnauthorized: false,
    ca: [alice.cert],
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
  try {
    const [other] = await accepted;
    return [certificateOf(other), certificateOf(other)];
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('certificateOf', () => {
  it('S0-28 gives the name, the digest and the end of a certificate that the handshake has verified, once', async () => {
    const [first, second] = await seen({ key: alice.private, cert: alice.cert });
    expect(first).toEqual({
      subject: 'CN=alice,O=Example',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      expiresAt: expect.any(Number),
    });
    expect(first?.expiresAt).toBeGreaterThan(Date.now());
    expect(second).toBe(first);
  });

  it('S0-28 gives nothing of one by another authority, with the same names, and where there is none', async () => {
    expect(await seen({ key: mallory.private, cert: mallory.cert })).toEqual([undefined, undefined]);
    expect(await seen({})).toEqual([undefined, undefined]);
    expect(certificateOf(new Socket())).toBeUndefined();
  });
});
