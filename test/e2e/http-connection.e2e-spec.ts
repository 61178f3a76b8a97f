import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { initializeParams, type Json, notification, request } from '../support/messages.js';
import { vitalsEnv, vitalsOf } from '../support/fuzz-vitals.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { exchange, jsonOf, openDescriptors, wire, WireConnection, type WireHeaders } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const PING = JSON.stringify(request(1, 'ping'));
const ALIVE = '{"status":"alive"}';
const ERRORS = /^\{"level":"(error|fatal)".*$/m;

/** A server, a session in it, and how to speak to them. */
class Place {
  private constructor(
    readonly server: BuiltServer,
    readonly session: WireHeaders,
  ) {}

  static async open(env: Readonly<Record<string, string>> = {}): Promise<Place> {
    const plugins = [fixture('contract/index')];
    const server = await BuiltServer.start({ plugins, env: { MCP_RATE_LIMIT_MAX: '100000', ...env } });
    const body = JSON.stringify(request(0, 'initialize', initializeParams('2025-11-25')));
    const { headers } = await exchange(server.url, wire(server.url, { body }));
    return new Place(server, { 'Mcp-Session-Id': headers['mcp-session-id'] ?? '' });
  }

  get url(): string {
    return this.server.url;
  }

  get health(): Buffer {
    return wire(this.url, { method: 'GET', path: '/health/live' });
  }

  message(body: unknown): Buffer {
    return wire(this.url, { body: JSON.stringify(body), headers: this.session });
  }

  call(id: number, name: string, args: Json = {}): Buffer {
    return this.message(request(id, 'tools/call', { name, arguments: args }));
  }

  /** The head of a POST whose body is to be sent by hand. */
  head(headers: WireHeaders): Buffer {
    return wire(this.url, { headers: { ...this.session, ...headers } });
  }

  connect(): Promise<WireConnection> {
    return WireConnection.open(this.url);
  }

  async textOf(id: number, name: string, args: Json = {}): Promise<unknown> {
    const response = await exchange(this.url, this.call(id, name, args));
    return (jsonOf(response)['result'] as { content: [{ text: string }] }).content[0].text;
  }
}

describe('W-39 a client that is slow', () => {
  let place: Place;

  beforeAll(async () => {
    place = await Place.open({ MCP_HEADERS_TIMEOUT_MS: '1000', MCP_BODY_TIMEOUT_MS: '1000' });
  }, LONG_MS);
  afterAll(() => place.server.dispose());

  /** Sends a byte of the text now and then, for as long as the connection lasts. */
  const trickle = (connection: WireConnection, text: string): (() => void) => {
    let at = 0;
    const timer = setInterval(() => connection.send(text[at++ % text.length] as string), 50);
    return () => clearInterval(timer);
  };

  const SLOW: readonly (readonly [string, () => readonly [start: string | Buffer, trickled: string]])[] = [
    ['sends nothing', () => ['', '']],
    ['sends half of its headers', () => [`POST /mcp HTTP/1.1\r\nHost: localhost\r\n`, '']],
    ['sends its headers byte by byte', () => ['POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: ', 'x']],
    ['sends half of its body', () => [place.head({ 'Content-Length': '100' }), '']],
    ['sends its body byte by byte', () => [place.head({ 'Content-Length': '100000' }), ' ']],
    ['sends its body in tiny chunks', () => [place.head({ 'Transfer-Encoding': 'chunked' }), '1\r\n \r\n']],
    [
      'does so on a path of the application',
      () => [wire(place.url, { path: '/health/live', headers: { 'Content-Length': '100' } }), ''],
    ],
  ];

  it.each(SLOW)('gets 408 when it %s, and is hung up on', async (_what, how) => {
    const [start, trickled] = how();
    const connection = await place.connect();
    connection.send(start);
    const stop = trickled === '' ? (): void => undefined : trickle(connection, trickled);
    const response = await connection.response();
    stop();
    expect([response.status, response.headers['connection']]).toEqual([408, 'close']);
    expect(await connection.closed()).toBe('');
    expect(place.server.stderr).not.toMatch(ERRORS);
  });

  it('is hung up on too where it was refused before its body was whole', async () => {
    const connection = await place.connect();
    connection.send(place.head({ Host: 'evil.com', 'Content-Length': '100' }));
    expect((await connection.response()).status).toBe(403);
    expect(await connection.closed()).toMatch(/^(HTTP\/1\.1 408 [^\r]*\r\nConnection: close\r\n\r\n)?$/);
  });

  it('keeps nobody else waiting, be there ever so many', async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, () => place.connect()));
    for (const connection of slow) connection.send(place.head({ 'Content-Length': '100' }));
    expect((await exchange(place.url, place.message(request(1, 'ping')))).status).toBe(200);
    for (const connection of slow) expect((await connection.response()).status).toBe(408);
  });
});

describe('W-39 headers', () => {
  let place: Place;

  beforeAll(async () => {
    place = await Place.open();
  }, LONG_MS);
  afterAll(() => place.server.dispose());

  it.each<[string, WireHeaders]>([
    ['one that is too long', { 'X-Long': 'x'.repeat(17_000) }],
    ['too many', Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`X-${at}`, 'x']))],
    ['too long a session id', { 'Mcp-Session-Id': 'x'.repeat(17_000) }],
  ])('are refused with 431 when there is %s', async (_what, headers) => {
    const connection = await place.connect();
    connection.send(wire(place.url, { body: PING, headers }));
    const response = await connection.response();
    expect([response.status, response.headers['connection']]).toEqual([431, 'close']);
    await connection.closed();
  });

  it('are refused with 431 when the path is too long', async () => {
    const connection = await place.connect();
    connection.send(wire(place.url, { path: `/mcp?${'x'.repeat(17_000)}`, body: PING }));
    expect((await connection.response()).status).toBe(431);
  });

  it('are taken up to 16 KiB', async () => {
    const headers = { ...place.session, 'X-Long': 'x'.repeat(15_000) };
    expect((await exchange(place.url, wire(place.url, { body: PING, headers }))).status).toBe(200);
  });
});

describe('requests on one connection', () => {
  let place: Place;

  beforeAll(async () => {
    place = await Place.open({ MCP_BODY_TIMEOUT_MS: '1000', MCP_HEADERS_TIMEOUT_MS: '1000' });
  }, LONG_MS);
  afterAll(() => {
    expect(place.server.stderr).not.toMatch(ERRORS);
    return place.server.dispose();
  });

  it('are answered in their order, however long each takes', async () => {
    const connection = await place.connect();
    const pings = Array.from({ length: 20 }, (_, at) => place.message(request(at, 'ping')));
    connection.send(Buffer.concat([place.call(100, 'count', { mark: 'slow' }), ...pings]));
    expect((await connection.response()).body).toContain('counted slow');
    for (let id = 0; id < 20; id++) expect(jsonOf(await connection.response())['id']).toBe(id);
    connection.end();
  });

  it('may come in pieces of any size', async () => {
    const connection = await place.connect();
    for (const byte of place.message(request('bytes', 'ping'))) connection.send(Buffer.from([byte]));
    expect(jsonOf(await connection.response())).toMatchObject({ id: 'bytes', result: {} });
    connection.end();
  });

  const PLAIN = 'Content-Type: application/json\r\nAccept: */*\r\n';
  const LENGTH = `Content-Length: ${PING.length}\r\n`;
  const CHUNK = `${PING.length.toString(16)}\r\n${PING}\r\n`;
  const CHUNKED = 'Transfer-Encoding: chunked\r\n';

  it.each<[string, string, string]>([
    ['two lengths that differ', `${LENGTH}Content-Length: 2\r\n`, PING],
    ['the same length twice', `${LENGTH}${LENGTH}`, PING],
    ['a list of lengths', `Content-Length: ${PING.length}, ${PING.length}\r\n`, PING],
    ['a length with a sign', `Content-Length: +${PING.length}\r\n`, PING],
    ['a negative length', 'Content-Length: -1\r\n', PING],
    ['a length in hexadecimal', 'Content-Length: 0x28\r\n', PING],
    ['a length that no machine can hold', 'Content-Length: 99999999999999999999999\r\n', PING],
    ['a blank before the colon', `Content-Length : ${PING.length}\r\n`, PING],
    ['a folded header', `X: a\r\n b\r\n${LENGTH}`, PING],
    ['a NUL in a header', `X: a\0b\r\n${LENGTH}`, PING],
    ['a bare carriage return in a header', `X: a\r${LENGTH}`, PING],
    ['a length and chunks', `${LENGTH}${CHUNKED}`, '0\r\n\r\n'],
    ['chunks and a length', `${CHUNKED}${LENGTH}`, '0\r\n\r\n'],
    ['chunked twice', `${CHUNKED}${CHUNKED}`, '0\r\n\r\n'],
    ['chunked, and something after it', 'Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'],
    ['a coding that only looks like chunked', 'Transfer-Encoding: xchunked\r\n', `${CHUNK}0\r\n\r\n`],
    ['a chunk of no size', CHUNKED, `zz\r\n${PING}\r\n0\r\n\r\n`],
    ['a chunk of negative size', CHUNKED, `-1\r\n${PING}\r\n0\r\n\r\n`],
    ['a chunk that no machine can hold', CHUNKED, `FFFFFFFFFFFFFFFFF\r\n${PING}\r\n0\r\n\r\n`],
    ['a chunk that is longer than it says', CHUNKED, `2\r\n${PING}\r\n0\r\n\r\n`],
    ['chunks with bare line feeds', CHUNKED, `${CHUNK}0\r\n\r\n`.replaceAll('\r\n', '\n')],
  ])('are refused with 400 for %s, and nothing after it is served', async (_what, framing, body) => {
    const connection = await place.connect();
    const head = `POST /mcp HTTP/1.1\r\nHost: ${new URL(place.url).host}\r\n${PLAIN}${framing}\r\n`;
    connection.send(Buffer.concat([Buffer.from(head + body, 'latin1'), place.health]));
    expect((await connection.response()).status).toBe(400);
    expect(await connection.closed()).toBe('');
  });

  it.each([
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS greeting', '\u0016\u0003\u0001\u0000\u00c8\u0001\u0000\u0000\u00c4\u0003\u0003'],
    ['JSON without HTTP', `${PING}\n`],
    ['no Host', 'GET /mcp HTTP/1.1\r\n\r\n'],
    ['a method of its own', 'FETCH /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('are refused with 400 for %s', async (_what, text) => {
    const connection = await place.connect();
    connection.send(Buffer.from(text, 'latin1'));
    expect((await connection.response()).status).toBe(400);
    await connection.closed();
  });

  it('are refused with 403 without Host in HTTP/1.0, and not answered for CONNECT', async () => {
    const old = await place.connect();
    old.send('GET /mcp HTTP/1.0\r\n\r\n');
    expect((await old.response()).status).toBe(403);
    await old.closed();
    const tunnel = await place.connect();
    tunnel.send('CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await tunnel.closed()).toBe('');
  });

  it.each<[string, number, WireHeaders]>([
    ['media type', 415, { 'Content-Type': 'text/plain' }],
    ['host', 403, { Host: 'evil.com' }],
    ['origin', 403, { Origin: 'https://evil.com' }],
    ['session', 404, { 'Mcp-Session-Id': 'nope' }],
  ])('are never made of the body of one that was refused for its %s', async (_what, status, headers) => {
    const connection = await place.connect();
    const smuggler = wire(place.url, { body: place.health, headers: { ...place.session, ...headers } });
    connection.send(Buffer.concat([smuggler, place.message(request('after', 'ping'))]));
    // Not JSON: where the body is read at all, that is said before the session is looked for.
    expect([status, 400]).toContain((await connection.response()).status);
    expect(jsonOf(await connection.response())).toMatchObject({ id: 'after', result: {} });
    connection.end();
  });

  it('are never made of the body of one that was too large', async () => {
    const connection = await place.connect();
    connection.send(Buffer.concat([place.head({ 'Content-Length': '20000000' }), place.health, place.health]));
    expect((await connection.response()).status).toBe(413);
    expect(await connection.closed()).not.toContain('alive');
  });

  it('end with the one that says so', async () => {
    const last = wire(place.url, { body: PING, headers: { ...place.session, Connection: 'close' } });
    const connection = await place.connect();
    connection.send(last);
    expect((await connection.response()).status).toBe(200);
    expect(await connection.closed()).toBe('');
    const goesOn = await place.connect();
    goesOn.send(Buffer.concat([last, place.health]));
    expect(await goesOn.closed()).not.toContain('alive');
  });

  it('are served where they announce their body and wait', async () => {
    const connection = await place.connect();
    connection.send(place.head({ 'Content-Length': String(PING.length), Expect: '100-continue' }));
    await connection.said('HTTP/1.1 100 Continue');
    connection.send(PING);
    expect((await connection.response()).status).toBe(200);
    connection.end();
  });
});

describe('S2-22, D-3 a client that leaves', () => {
  let place: Place;
  let descriptors: number;
  let nextId = 1_000;

  beforeAll(async () => {
    place = await Place.open();
    // The log and the journal are open from now on.
    await place.textOf(1, 'echo', { message: 'warm' });
    descriptors = openDescriptors(place.server.pid);
  }, LONG_MS);
  afterAll(() => place.server.dispose());

  /** Everything that clients had is given back, and nobody has noticed. */
  const harmless = async (): Promise<void> => {
    const id = nextId++;
    expect(await place.textOf(id, 'echo', { message: `${id}` })).toBe(`Echo: ${id}`);
    await until(() => openDescriptors(place.server.pid) <= descriptors, 'descriptors to be closed');
    expect(place.server.stderr).not.toMatch(ERRORS);
  };

  it.each<[string, () => string | Buffer]>([
    ['before it said anything', () => ''],
    ['in the middle of its headers', () => 'POST /mcp HTTP/1.1\r\nHost: loc'],
    ['in the middle of its body', () => place.head({ 'Content-Length': '5000' })],
    [
      'in the middle of a chunk',
      () => Buffer.concat([place.head({ 'Transfer-Encoding': 'chunked' }), Buffer.from('ff\r\n{')]),
    ],
    ['after it asked', () => place.message(request(nextId++, 'tools/list'))],
    ['in the middle of a body that was refused', () => place.head({ Host: 'evil.com', 'Content-Length': '5000' })],
  ])('harms nobody %s, fifty times over', async (_what, bytes) => {
    const connections = await Promise.all(Array.from({ length: 50 }, () => place.connect()));
    for (const connection of connections) connection.send(bytes());
    const other = exchange(place.url, place.message(request(nextId++, 'ping')));
    for (const [at, connection] of connections.entries()) {
      if (at % 2 === 0) connection.leave();
      else connection.end();
    }
    expect((await other).status).toBe(200);
    await harmless();
  });

  it('in the middle of an answer does not end its call; cancelling does', async () => {
    const mark = 'left';
    const id = nextId++;
    const connection = await place.connect();
    connection.send(place.call(id, 'wait_for_abort', { mark }));
    await connection.said(`waiting ${mark}`);
    connection.leave();
    await until(() => openDescriptors(place.server.pid) <= descriptors, 'the connection to be closed');
    const cancelled = notification('notifications/cancelled', { requestId: id });
    expect((await exchange(place.url, place.message(cancelled))).status).toBe(202);
    expect(await place.textOf(nextId++, 'abort_of', { mark })).toBe('Cancelled: by the client');
    await harmless();
  });

  it('harms nobody with a stream that is open', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => place.connect()));
    for (const stream of streams) {
      stream.send(wire(place.url, { method: 'GET', headers: { ...place.session, Accept: 'text/event-stream' } }));
      await stream.said('HTTP/1.1 200 OK');
    }
    for (const stream of streams) stream.leave();
    await harmless();
  });

  it('may come back for what it missed, which is kept within bounds (S0-13)', async () => {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'heap');
    const kept = await Place.open(vitalsEnv(file));
    try {
      const { pid } = kept.server;
      const before = await vitalsOf(pid, file);
      // Each answer repeats the token three times: 180 MB in all.
      const _meta = { progressToken: 't'.repeat(1_000_000) };
      for (let id = 0; id < 60; id++) {
        const call = request(id, 'tools/call', { name: 'count', arguments: { mark: 'kept' }, _meta });
        expect((await exchange(kept.url, kept.message(call))).body).toContain('counted kept');
      }
      expect((await vitalsOf(pid, file)).heapMiB - before.heapMiB).toBeLessThan(24);
    } finally {
      await kept.server.dispose();
      await folder.remove();
    }
  });

  it('and one that breaks off a pipeline leaves the rest of it unharmed', async () => {
    const connection = await place.connect();
    const many = Array.from({ length: 100 }, () => place.call(nextId++, 'count', { mark: 'pipelined' }));
    connection.send(Buffer.concat(many));
    await connection.said('counted pipelined');
    connection.leave();
    await harmless();
    expect((await exchange(place.url, place.health)).body).toBe(ALIVE);
  });
});
