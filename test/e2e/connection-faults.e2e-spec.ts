import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Relay } from '../faults/relay.js';
import { Doors } from '../support/live-doors.js';
import { initializeParams, type Json, modernHeaders, modernParams, request } from '../support/messages.js';
import { fixture, MAIN, temporaryFolder } from '../support/places.js';
import { isRunning } from '../support/process-life.js';
import { RawHttp } from '../support/raw-http.js';
import { RawLines } from '../support/raw-lines.js';
import { RawSse } from '../support/raw-sse.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { SilentReader } from '../support/silent-reader.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { wire, WireConnection } from './http-wire.js';

jest.setTimeout(6 * PATIENCE_MS);
const MIB = 1_048_576;
const GB = 1_000_000_000;
const ERRORS = /^.* (ERROR|FATAL) .*$/m;
const INITIALIZE = request('init', 'initialize', initializeParams('2024-11-05'));
const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};
const ACCEPTED = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** A text frame as a client has to mask it. @param declared length that it says to have; that of the text if left out */
function frame(text: string, declared = Buffer.byteLength(text)): Buffer {
  const head = Buffer.alloc(14);
  head.set([0x81, 0xff]);
  head.writeBigUInt64BE(BigInt(declared), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

const upgrade = (doors: Doors): Buffer => wire(doors.base, { method: 'GET', path: '/ws', headers: HANDSHAKE });

/** The most memory that a process ever had, MiB. */
function peakMiB({ server }: Doors): number {
  const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** Events of one kind that are there, of one door. */
async function eventsAt(doors: Doors, name: string, transport: string): Promise<Json[]> {
  return until(async () => {
    const found = (await doors.events(name, 0)).filter((event) => event['transport'] === transport);
    return found.length > 0 && found;
  }, `${name} at ${transport}`);
}

/** A client of each door that asks all the time, and is to notice nothing. */
class Steady {
  private isOver = false;
  private asked = 0;
  private fault: unknown;
  private readonly running: Promise<void>;

  private constructor(private readonly clients: readonly (RawWebSocket | RawLines | RawSse)[]) {
    this.running = this.ask().catch((error: unknown) => void (this.fault = error));
  }

  static async at(doors: Doors): Promise<Steady> {
    const clients = [await doors.webSocket(), await doors.lines(), await RawSse.open(doors.sseUrl)];
    await Promise.all(clients.map((client) => client.initialize()));
    return new Steady(clients);
  }

  /** @returns how often each was answered */
  async end(): Promise<number> {
    this.isOver = true;
    await this.running;
    expect(this.fault).toBeUndefined();
    for (const client of this.clients) await (client instanceof RawWebSocket ? client.close() : client.leave());
    return this.asked;
  }

  private async ask(): Promise<void> {
    while (!this.isOver) {
      const message = `turn ${++this.asked}`;
      for (const client of this.clients) {
        const { result } = await client.callTool(message, 'echo', { message });
        expect(result).toMatchObject({ content: [{ text: `Echo: ${message}` }] });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

let doors: Doors;
let steady: Steady;
let startMiB: number;
/** Those that read nothing: they are cut off while other tests run. */
let stuck: Readonly<Record<'websocket' | 'tcp' | 'sse' | 'http', SilentReader>>;

beforeAll(async () => {
  const env = {
    MCP_RATE_LIMIT_MAX: '100000',
    MCP_LOG_LEVEL: 'debug',
    MCP_RUN_COMMAND_ENABLED: 'true',
    MCP_RUN_COMMAND_ALLOW: 'sleep',
    MCP_ANONYMOUS_ROLE: 'admin',
  };
  doors = await Doors.open({ plugins: [fixture('contract/index')], env });
  steady = await Steady.at(doors);
  startMiB = peakMiB(doors);
  const [websocket, tcp, sse, http] = await Promise.all([
    stuckWebSocket(doors),
    stuckLines(doors),
    stuckSse(doors),
    stuckHttp(doors),
  ]);
  stuck = { websocket, tcp, sse, http };
});
afterAll(async () => {
  for (const reader of Object.values(stuck)) reader.leave();
  await doors.dispose();
});

/** What is owed to each of those who read nothing. */
const OWED_BYTES = 100 * MIB;
const MESSAGE = 'x'.repeat(MIB / 2);
const CALLS = OWED_BYTES / MESSAGE.length;
const STDIO_ENV = { MCP_STDIO_ROLE: 'admin', MCP_RUN_COMMAND_ENABLED: 'true', MCP_RUN_COMMAND_ALLOW: 'sleep' };

const bigCall = (id: number): Json => request(id, 'tools/call', { name: 'echo', arguments: { message: MESSAGE } });

async function stuckWebSocket(doors: Doors): Promise<SilentReader> {
  const { reader } = await SilentReader.open(doors.server.port, upgrade(doors), /\r\n\r\n$/);
  reader.send(frame(JSON.stringify(INITIALIZE)));
  for (let id = 0; id < CALLS; id++) reader.send(frame(JSON.stringify(bigCall(id))));
  return reader;
}

async function stuckLines(doors: Doors): Promise<SilentReader> {
  const { reader } = await SilentReader.open(doors.tcpPort, `${JSON.stringify(INITIALIZE)}\n`, /\n$/);
  for (let id = 0; id < CALLS; id++) reader.send(`${JSON.stringify(bigCall(id))}\n`);
  return reader;
}

/** What it asks for comes by other connections, which go well. */
async function stuckSse(doors: Doors): Promise<SilentReader> {
  const get = wire(doors.sseUrl, { method: 'GET', headers: { Accept: 'text/event-stream' } });
  const { reader, read } = await SilentReader.open(doors.server.port, get, /sessionId=\w+\n\n/);
  const [, endpoint = ''] = /data: (\S+)/.exec(read) ?? [];
  const post = async (body: Json): Promise<void> => {
    const headers = { 'Content-Type': 'application/json' };
    await fetch(`${doors.base}${endpoint}`, { method: 'POST', headers, body: JSON.stringify(body) });
  };
  await post(INITIALIZE);
  for (let id = 0; id < CALLS; id++) await post(bigCall(id));
  return reader;
}

/** A call whose stream says a secret of some size again and again, 21 times in all. */
async function stuckHttp(doors: Doors, chars = 400_000): Promise<SilentReader> {
  const { session } = await new RawHttp(doors.server.url).initialize();
  const params = {
    name: 'keep_secret',
    arguments: { secret: 'x'.repeat(chars), steps: 20 },
    _meta: { progressToken: 1 },
  };
  const call = wire(doors.server.url, { headers: session, body: JSON.stringify(request(1, 'tools/call', params)) });
  const { reader } = await SilentReader.open(doors.server.port, call, /^data: /m);
  return reader;
}

describe('a fault of one client is nothing to the others', () => {
  it.each(['websocket', 'tcp', 'sse', 'http', 'stdio'] as const)(
    'D-3 S3-6 kill -9 of a client process in the middle of a call ends it, down to its child process, over %s',
    async (door) => {
      const folder = await temporaryFolder();
      const children = (pid: number): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      const sleep = { name: 'run_command', arguments: { command: 'sleep 60' } };
      const frames = [INITIALIZE, request(1, 'tools/call', sleep)];
      const modern = request(1, 'tools/call', modernParams(sleep));
      const commands = '--tools run_command --log-level debug'.split(' ');
      const where = {
        websocket: doors.wsUrl,
        tcp: String(doors.tcpPort),
        sse: doors.sseUrl,
        http: doors.server.url,
        stdio: JSON.stringify([process.execPath, MAIN, 'serve', '--state-dir', folder.path, ...commands]),
      };
      const said = JSON.stringify(door === 'http' ? [[modern, modernHeaders(modern)]] : frames);
      const env = { ...STDIO_ENV, PATH: process.env['PATH'], HOME: folder.path };
      const script = join(import.meta.dirname, '../faults/doomed-client.mjs');
      const client = spawn(process.execPath, [script, door, where[door], said], { env, cwd: folder.path });
      let stdout = '';
      client.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
      const serverPid =
        door === 'stdio' ? Number(await until(() => /^\d+\n/.exec(stdout)?.[0] ?? '', 'its server')) : doors.server.pid;
      const pid = Number(await until(() => children(serverPid), 'a child process'));
      client.kill('SIGKILL');
      await once(client, 'exit');
      await until(async () => !(await isRunning(pid)), 'the end of the child process');
      if (door === 'stdio') await until(async () => !(await isRunning(serverPid)), 'the end of the server');
      else if (door !== 'http') {
        const cancelled = await doors.events('requests_cancelled');
        expect(cancelled.at(-1)).toMatchObject({ count: 1, reason: 'disconnected' });
        const closed = door === 'tcp' ? 'tcp_connection_closed' : 'connection_closed';
        await eventsAt(doors, closed, door);
      }
      await folder.remove();
    },
  );

  it('S0-11 K-14 S2-21 a gigabyte that is declared, or never ends, is cut off at once and held nowhere', async () => {
    const before = peakMiB(doors);
    const socket = await WireConnection.open(doors.base);
    socket.send(upgrade(doors));
    await socket.said(ACCEPTED);
    socket.send(frame('', GB));
    expect(Buffer.from(await socket.closed(), 'latin1').includes(Buffer.from([0x03, 0xf1]))).toBe(true);
    expect((await eventsAt(doors, 'message_too_large', 'websocket')).at(-1)).toMatchObject({ limit: 16 * MIB });

    const sse = await RawSse.open(doors.sseUrl);
    for (const [path, transport] of [
      ['/mcp', 'http'],
      [sse.endpoint, 'sse'],
    ] as const) {
      for (const framing of [{ 'Content-Length': String(GB) }, { 'Transfer-Encoding': 'chunked' }]) {
        const posted = await WireConnection.open(doors.base);
        posted.send(wire(doors.base, { path, headers: framing }));
        const isEndless = 'Transfer-Encoding' in framing;
        // A body that says nothing of its length comes for as long as it is taken.
        const chunk = isEndless ? `100000\r\n${'x'.repeat(MIB)}\r\n` : 'x';
        const timer = setInterval(() => posted.send(chunk), 5);
        expect((await posted.response()).status).toBe(413);
        clearInterval(timer);
        posted.end();
      }
      await eventsAt(doors, 'message_too_large', transport);
    }
    await sse.leave();

    const line = await doors.lines();
    const timer = setInterval(() => line.send('x'.repeat(MIB)), 5);
    await line.end();
    clearInterval(timer);
    const tooLarge = await eventsAt(doors, 'message_too_large', 'tcp');
    expect(tooLarge.at(-1)).toMatchObject({ limit: 16 * MIB, bytes: expect.any(Number) });
    expect(tooLarge.at(-1)?.['bytes']).toBeLessThan(18 * MIB);
    expect(peakMiB(doors) - before).toBeLessThan(100);
  });
});

describe('clients that are slow, or gone without a word', () => {
  let doors: Doors;
  let relays: readonly [Relay, Relay];

  beforeAll(async () => {
    const env = {
      MCP_RATE_LIMIT_MAX: '100000',
      MCP_LOG_LEVEL: 'debug',
      MCP_WS_IDLE_TIMEOUT_MS: '10000',
      MCP_TCP_IDLE_TIMEOUT_MS: '10000',
      MCP_IDLE_CHECK_INTERVAL_MS: '1000',
      MCP_PING_INTERVAL_MS: '1000',
      MCP_PONG_TIMEOUT_MS: '2000',
      MCP_HEADERS_TIMEOUT_MS: '1000',
      MCP_BODY_TIMEOUT_MS: '2000',
    };
    doors = await Doors.open({ plugins: [fixture('contract/index')], env });
    relays = [await Relay.to(doors.server.port), await Relay.to(doors.tcpPort)];
  });
  afterAll(async () => {
    for (const relay of relays) relay.close();
    await doors.dispose();
  });

  /** Sends it again and again, a byte at a time, for as long as the connection lasts. */
  function trickle(connection: { send(bytes: Buffer): void }, text: string): () => void {
    const bytes = Buffer.from(text);
    let at = 0;
    const timer = setInterval(() => connection.send(bytes.subarray(at++ % bytes.length).subarray(0, 1)), 50);
    return () => clearInterval(timer);
  }

  it('S0-31 S2-19 half-open: a peer behind a wire that swallows all is found out, and its place is free again', async () => {
    const [web, tcp] = relays;
    const dead = await RawWebSocket.open(`ws://127.0.0.1:${web.port}/ws`);
    const lines = await RawLines.open(tcp.port);
    await Promise.all([dead.initialize(), lines.initialize()]);
    const witness = await doors.webSocket();
    await witness.initialize();
    dead.send(request('lost', 'tools/call', { name: 'wait_for_abort', arguments: { mark: 'half open' } }));
    await witness.callTool('start', 'start_of', { mark: 'half open' });
    for (const relay of relays) relay.cut();
    expect(await eventsAt(doors, 'websocket_error', 'websocket')).toMatchObject([{ error: 'No answer to a ping' }]);
    const { result } = await witness.callTool('abort', 'abort_of', { mark: 'half open' });
    expect(JSON.stringify(result)).toContain('Cancelled');
    expect(await eventsAt(doors, 'connection_closed', 'websocket')).toMatchObject([{ code: 1006 }]);
    const beat = setInterval(() => witness.send(request(Date.now(), 'ping')), 1_000);
    // TCP has no ping: that nothing comes is all that there is to see.
    expect(await doors.events('tcp_connection_timeout')).toMatchObject([{ idleMs: expect.any(Number) }]);
    expect(await eventsAt(doors, 'tcp_connection_closed', 'tcp')).toMatchObject([{ code: 1001 }]);
    clearInterval(beat);
    expect((await witness.request('after', 'ping')).result).toEqual({});
    await witness.close();
    const { sessions } = (await (await fetch(`${doors.base}/status`)).json()) as { sessions: { active: number } };
    expect(sessions.active).toBe(0);
  });

  it('W-39 slow loris: what comes a byte at a time and never ends is cut off at every door', async () => {
    const [socket, body, post, head, shaking] = await Promise.all(
      Array.from({ length: 5 }, () => WireConnection.open(doors.base)),
    );
    const [sse, line, other] = [await RawSse.open(doors.sseUrl), await doors.lines(), await doors.lines()];
    await other.initialize();
    socket?.send(upgrade(doors));
    await socket?.said(ACCEPTED);
    socket?.send(frame('', 1_000_000));
    const length = { 'Content-Length': '100000' };
    body?.send(wire(doors.server.url, { headers: length }));
    post?.send(wire(doors.base, { path: sse.endpoint, headers: length }));
    head?.send('POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ');
    shaking?.send('GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: ');
    const slow = [socket, body, post, head, shaking, line].map((each) =>
      trickle(each as { send(bytes: Buffer): void }, ' '),
    );
    const beat = setInterval(() => other.send(request(Date.now(), 'ping')), 1_000);
    for (const each of [body, post, head, shaking]) {
      expect((await each?.response())?.status).toBe(408);
      expect(await each?.closed()).toBe('');
    }
    expect(await doors.events('connection_timeout', 4)).toMatchObject(
      Array.from({ length: 4 }, () => ({ transport: 'http', ip: '127.0.0.1' })),
    );
    // Bytes are no messages: both of them idle.
    expect(await line.end()).toBe('');
    const closed = Buffer.from((await socket?.closed()) ?? '', 'latin1');
    expect(closed.includes(Buffer.from([0x03, 0xe9, ...Buffer.from('Connection timeout')]))).toBe(true);
    await doors.events('tcp_connection_timeout', 2);
    expect(await eventsAt(doors, 'connection_timeout', 'websocket')).toHaveLength(1);
    for (const stop of slow) stop();
    clearInterval(beat);
    expect((await other.request('after', 'ping')).result).toEqual({});
    other.leave();
    await sse.leave();
    expect(doors.server.stderr).not.toMatch(ERRORS);
  });
});

describe('a reader that never reads', () => {
  it('S0-13 a stream of HTTP is cut off at once where more waits than a client may leave unread', async () => {
    const reader = await stuckHttp(doors, 900_000);
    const told = await eventsAt(doors, 'websocket_error', 'http');
    expect(told).toMatchObject([{ ip: '127.0.0.1', error: 'Messages are not read' }]);
    expect(await reader.end()).toBeLessThan(10 * MIB);
  });

  it('S0-13 a reader that never reads is cut off at every door, and what waits for it is bounded', async () => {
    for (const [door, name] of [
      ['websocket', 'websocket_error'],
      ['sse', 'websocket_error'],
      ['tcp', 'tcp_client_error'],
      ['http', 'websocket_error'],
    ] as const) {
      // Of HTTP one was cut off before.
      const count = door === 'http' ? 2 : 1;
      const told = await until(
        async () => {
          const events = (await doors.events(name, 0)).filter(({ transport }) => transport === door);
          return events.filter(({ error }) => error === 'Messages are not read')[count - 1];
        },
        `the end at ${door}`,
        4 * PATIENCE_MS,
      );
      expect(told).toMatchObject({ ip: '127.0.0.1' });
      if (door !== 'http') {
        const closed = await until(async () => {
          const events = await doors.events(door === 'tcp' ? 'tcp_connection_closed' : 'connection_closed', 0);
          return events.find(({ clientId }) => clientId === told['clientId']);
        }, `the end of the connection at ${door}`);
        expect(closed).toMatchObject({ transport: door, code: 1008 });
      }
      // What had left the server is all that comes: a few buffers of the system.
      expect(await stuck[door].end()).toBeLessThan(8 * MIB);
    }
    expect(peakMiB(doors) - startMiB).toBeLessThan(200);
    expect(await steady.end()).toBeGreaterThan(50);
    expect(doors.server.stderr).not.toMatch(ERRORS);
  });
});
