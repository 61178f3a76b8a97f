import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT } from 'jose';
import type { Json } from './messages.js';

/** An issuer with public keys at a URL of this machine. */
export class KeyServer {
  /** How often it was asked, for whatever. */
  asked = 0;
  private readonly pairs = new Map<string, { publicKey: KeyObject; privateKey: KeyObject; alg: string }>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<KeyServer> {
    const server = createServer();
    const self = new KeyServer(server);
    self.pairs.set('rsa', { ...generateKeyPairSync('rsa', { modulusLength: 2048 }), alg: 'RS256' });
    self.pairs.set('ed', { ...generateKeyPairSync('ed25519'), alg: 'EdDSA' });
    const all = [...self.pairs].map(async ([kid, { publicKey, alg }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg,
    }));
    const text = JSON.stringify({ keys: await Promise.all(all) });
    server.on('request', (_req, res) => {
      self.asked += 1;
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks`;
  }

  privateKey(kid: string): KeyObject {
    return this.pair(kid).privateKey;
  }

  publicKey(kid: string): KeyObject {
    return this.pair(kid).publicKey;
  }

  sign(kid: string, claims: Json, header: object = {}): Promise<string> {
    const { privateKey, alg } = this.pair(kid);
    return new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pair(kid: string): { publicKey: KeyObject; privateKey: KeyObject; alg: string } {
    const pair = this.pairs.get(kid);
    if (!pair) throw new Error(`There is no key ${kid}`);
    return pair;
  }
}
