import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { makeServerPair, type Pair, writePair } from '../support/certificates.js';
import { Doors } from '../support/live-doors.js';
import { initializeParams, request } from '../support/messages.js';
import { temporaryFolder } from '../support/places.js';
import { RawHttp } from '../support/raw-http.js';
import { RawLines } from '../support/raw-lines.js';
import { RawSse } from '../support/raw-sse.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { secureAsk } from '../support/secure-http.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { openDescriptors, wire } from './http-wire.js';

/** Connections of a burst, over all doors together: few, but in the long proof. */
const BURST = Number(process.env['BURST_CONNECTIONS'] ?? 2_000);
const LONG_MS = 8 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const ERRORS = /^.* (ERROR|FATAL) .*$/m;

let doors: Doors;
afterEach(() => doors.dispose());

/** One of a crowd: what it was told, before it was hung up on or left. */
class Guest {
  heard = '';
  /** Let in by the system, or sent away: nothing more happens by itself. */
  readonly settled: Promise<unknown>;
  private readonly socket: Socket;

  constructor(port: number, greeting: string | Buffer) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => (this.heard += chunk.toString('latin1')));
    this.socket.write(greeting);
    const closed = once(this.socket, 'close');
    // Whoever says nothing hears nothing: it is there once it is connected.
    const isIn = once(this.socket, greeting === '' ? 'connect' : 'data');
    this.settled = Promise.race([closed, isIn]).catch(() => undefined);
  }

  leave(): void {
    this.socket.destroy();
  }
}

describe('a burst of connections', () => {
  const [TCP_CAP, HTTP_CAP, ROOM] = [20, 200, 1_000];
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  it('S2-18 K-12 is refused beyond the caps of each door, takes so many descriptors and no more, and is over then', async () => {
    const flags = ['--max-connections', '60', '--tcp-max-connections', String(TCP_CAP)];
    const limits = { MCP_HTTP_MAX_SOCKETS: String(HTTP_CAP), MCP_LOG_LEVEL: 'debug', MCP_RATE_LIMIT_MAX: '100000' };
    doors = await Doors.open({ flags, env: limits });
    const { port, pid } = doors.server;
    const [steady, socket] = [await doors.lines(), await doors.webSocket()];
    await Promise.all([steady.initialize(), socket.initialize()]);
    const before = openDescriptors(pid);
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, openDescriptors(pid))), 20);

    const kinds = {
      tcp: () => new Guest(doors.tcpPort, `${JSON.stringify(request(1, 'ping'))}\n`),
      websocket: () => new Guest(port, wire(doors.base, { method: 'GET', path: '/ws', headers: upgrade })),
      sse: () => new Guest(port, wire(doors.sseUrl, { method: 'GET', headers: { Accept: 'text/event-stream' } })),
      silent: () => new Guest(port, ''),
    };
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    const crowd = Array.from({ length: BURST }, (_, at) => {
      const kind = names[at % names.length] as keyof typeof kinds;
      return { kind, guest: kinds[kind]() };
    });
    const everybody = Promise.all(crowd.map(({ guest }) => guest.settled)).then(() => true);
    // Who was there before is served all the while.
    let turns = 0;
    for (let isOver: unknown = false; !isOver; turns++) {
      expect((await steady.request(`turn ${turns}`, 'ping')).result).toEqual({});
      expect((await socket.request(`turn ${turns}`, 'ping')).result).toEqual({});
      isOver = await Promise.race([everybody, pause(50)]);
    }
    clearInterval(watch);
    expect(most - before).toBeGreaterThan(TCP_CAP);
    // Some more: what the server opens for itself, meanwhile.
    expect(most).toBeLessThanOrEqual(before + TCP_CAP + ROOM + HTTP_CAP + 20);

    const heardBy = (kind: string, text: string): number =>
      crowd.filter(({ kind: own, guest }) => own === kind && guest.heard.includes(text)).length;
    const [served, refused] = [heardBy('tcp', '"result":{}'), heardBy('tcp', 'Service unavailable')];
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThan(TCP_CAP);
    expect(refused).toBeGreaterThan(served);
    expect(heardBy('websocket', '101 Switching') + heardBy('sse', 'event: endpoint')).toBeLessThanOrEqual(60);
    await doors.events('tcp_connection_limit');
    const limited = await doors.events('connection_limit');
    expect(limited).toContainEqual(expect.objectContaining({ transport: 'http', ip: '127.0.0.1', limit: HTTP_CAP }));

    for (const { guest } of crowd) guest.leave();
    await until(() => openDescriptors(pid) <= before, 'the descriptors of before', LONG_MS);
    steady.leave();
    await socket.close();
    const after = [await doors.lines(), await doors.webSocket(), await RawSse.open(doors.sseUrl)];
    for (const client of after) {
      expect((await client.initialize()).result).toBeDefined();
      await (client instanceof RawWebSocket ? client.close() : client.leave());
    }
    expect((await new RawHttp(doors.server.url).initialize()).status).toBe(200);
    expect(doors.server.stderr).not.toMatch(ERRORS);
    process.stdout.write(
      `${BURST} connections at once: ${served} of TCP served and ${refused} told to go; descriptors ${before} before, ` +
        `${most} at most; ${turns} turns of others meanwhile\n`,
    );
  });
});

describe('a certificate that is swapped under load', () => {
  const SWAPS = 3;

  it('S0-14 loses no call at any door, and is what new connections see', async () => {
    const folder = await temporaryFolder();
    const pairs = await Promise.all([makeServerPair([]), makeServerPair([])]);
    const paths = await writePair(folder.path, 'server', pairs[0]);
    const env = { MCP_RATE_LIMIT_MAX: '100000', MCP_SESSION_MAX: '10000' };
    doors = await Doors.open({ flags: ['--ssl-cert', paths.cert, '--ssl-key', paths.key], env });
    // Both are of one name, and each its own issuer: a client tells them apart by what they are.
    const tls = { rejectUnauthorized: false };
    const prints = pairs.map(({ cert }) => new X509Certificate(cert).fingerprint256);
    const faults: unknown[] = [];
    let [isOver, calls, newcomers] = [false, 0, 0];
    /** What each door showed last to one who came. */
    const shown = { tcp: '', websocket: '', http: '' };

    const asking = async (client: RawLines | RawWebSocket, name: string): Promise<void> => {
      await client.initialize();
      for (let id = 0; !isOver; id++, calls++) {
        const { result } = await client.callTool(id, 'echo', { message: `${name} ${id}` });
        expect(result).toMatchObject({ content: [{ text: `Echo: ${name} ${id}` }] });
        await pause(5);
      }
    };
    const coming = async (door: keyof typeof shown): Promise<void> => {
      for (; !isOver; newcomers++) {
        if (door === 'http') {
          const body = request(0, 'initialize', initializeParams('2025-11-25'));
          const { status, fingerprint } = await secureAsk(doors.server.url, { ...tls, body });
          expect(status).toBe(200);
          shown.http = fingerprint;
        } else {
          const client = door === 'tcp' ? await doors.lines(tls) : await doors.webSocket(tls);
          const raw =
            client instanceof RawLines ? client.socket : (client.ws as unknown as { _socket: Socket })._socket;
          shown[door] = (raw as TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? '';
          expect((await client.request(1, 'server/discover')).id).toBe(1);
          if (client instanceof RawLines) client.leave();
          else await client.close();
        }
        await pause(20);
      }
    };
    const clients = [await doors.lines(tls), await doors.lines(tls), await doors.webSocket(tls)];
    const work = [
      ...clients.map((client, at) => asking(client, `client ${at}`)),
      ...(['tcp', 'websocket', 'http'] as const).map(coming),
    ].map((each) => each.catch((error: unknown) => void faults.push(error)));
    const allSee = (print: string | undefined) => () => Object.values(shown).every((each) => each === print);

    await until(allSee(prints[0]), 'the first certificate');
    for (let swap = 1; swap <= SWAPS; swap++) {
      await writePair(folder.path, 'server', pairs[swap % 2] as Pair);
      process.kill(doors.server.pid, 'SIGHUP');
      await until(() => faults.length > 0 || allSee(prints[swap % 2])(), `certificate ${swap % 2}`);
    }
    isOver = true;
    await Promise.all(work);
    expect(faults).toEqual([]);
    expect(calls).toBeGreaterThan(50);
    expect(newcomers).toBeGreaterThan(10);
    const reloaded = (await doors.events('config_reloaded')).filter(({ keys }) => keys === 'tls');
    expect(reloaded.map(({ fingerprint }) => fingerprint)).toEqual([prints[1], prints[0], prints[1]]);
    expect(doors.server.stderr).not.toMatch(ERRORS);
    for (const client of clients) await (client instanceof RawLines ? client.leave() : client.close());
    await folder.remove();
  });
});
