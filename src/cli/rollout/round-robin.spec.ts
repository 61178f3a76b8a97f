import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exchange } from './exchange.js';
import { RoundRobin } from './round-robin.js';

const PATIENCE_MS = 5_000;

/** A server that is ready or not, and answers with its name and what it was sent. */
class Backend {
  isReady = true;
  asked = 0;
  private constructor(private readonly server: Server) {}

  static async start(name: string): Promise<Backend> {
    const server = createServer((req, res) => {
      if (req.url === '/health/ready') return res.writeHead(backend.isReady ? 200 : 503).end();
      backend.asked += 1;
      if (req.url === '/break') return res.destroy();
      req.setEncoding('utf8').on('data', (body: string) => {
        res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ id: name, method: body }));
      });
      return undefined;
    });
    const backend = new Backend(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return backend;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

describe('RoundRobin', () => {
  let proxy: RoundRobin;
  let backends: [Backend, Backend];

  beforeEach(async () => {
    proxy = await RoundRobin.listen();
    backends = [await Backend.start('a'), await Backend.start('b')];
    for (const { port } of backends) await proxy.add(port, PATIENCE_MS);
  });

  afterEach(async () => {
    proxy.close();
    for (const backend of backends) await backend.stop();
  });

  const ask = (path = '/') =>
    exchange({
      url: `${proxy.url}${path}`,
      method: 'POST',
      headers: {},
      body: { of: 'it' },
      timeoutMs: PATIENCE_MS,
    });
  const namesOf = async (count: number): Promise<unknown[]> => {
    const names: unknown[] = [];
    for (let index = 0; index < count; index++) names.push((await ask()).messages[0]?.id);
    return names;
  };

  it('sends each request to the next replica, whole', async () => {
    const names = await namesOf(4);
    expect(names.slice(0, 2).sort()).toEqual(['a', 'b']);
    expect(names.slice(2)).toEqual(names.slice(0, 2));
    expect((await ask()).messages[0]?.method).toBe('{"of":"it"}');
  });

  it('goes on to another where one refuses the connection, and loses nothing', async () => {
    await backends[0].stop();
    expect(await namesOf(4)).toEqual(['b', 'b', 'b', 'b']);
  });

  it('sends nothing to one that rests, nor to one that was not ready when it was added', async () => {
    proxy.rest(backends[0].port);
    expect(await namesOf(2)).toEqual(['b', 'b']);
    const late = await Backend.start('late');
    late.isReady = false;
    expect(await proxy.add(late.port, 1)).toBe(false);
    expect(await namesOf(2)).toEqual(['b', 'b']);
    await late.stop();
  });

  it('never sends a request again that a replica may have begun', async () => {
    const { status, isWhole } = await ask('/break');
    expect([status, isWhole]).toEqual([0, false]);
    expect(backends[0].asked + backends[1].asked).toBe(1);
  });

  it('says so where nobody takes a request', async () => {
    for (const backend of backends) await backend.stop();
    await ask();
    const { status, headers } = await ask();
    expect([status, headers['x-rollout-check-not-sent'], headers['retry-after']]).toEqual([503, '1', '1']);
  });
});
