import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { initializeParams, type Json, notification, request } from '../support/messages.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { exchange, jsonOf, refusal, wire, WireConnection, type WireHeaders, type WireResponse } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
const LIMIT_BYTES = 10_485_760;
const SUPPORTED = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

let server: BuiltServer;
let session: WireHeaders;

const ping = (id: unknown = 1): string => JSON.stringify(request(id, 'ping'));
const post = (body: string | Buffer, headers: WireHeaders = {}): Promise<WireResponse> =>
  exchange(server.url, wire(server.url, { body, headers }));

async function openSession(url: string, revision = '2025-11-25'): Promise<WireHeaders> {
  const body = JSON.stringify(request(0, 'initialize', initializeParams(revision)));
  const { headers } = await exchange(url, wire(url, { body }));
  return { 'Mcp-Session-Id': headers['mcp-session-id'] ?? '' };
}

beforeAll(async () => {
  server = await BuiltServer.start({ env: { MCP_RATE_LIMIT_MAX: '100000' } });
  session = await openSession(server.url);
}, LONG_MS);

afterAll(() => server.dispose());

/** A request that is refused, and how. */
interface Refused {
  readonly what: string;
  readonly status: number;
  readonly body: Json;
  readonly bytes: () => Buffer;
}

const message = (what: string, text: string | Buffer, body: Json): Refused => ({
  what,
  status: 400,
  body,
  bytes: () => wire(server.url, { body: text, headers: session }),
});
const invalid = (text: string, id: string | number | null = null): Json =>
  refusal(-32600, 'invalid_request', `Invalid request: ${text}`, id);

const MESSAGES: readonly Refused[] = [
  message('what is not JSON', '{"jsonrpc"', refusal(-32700, 'parse_error', 'Parse error')),
  message('an empty body', '', refusal(-32700, 'parse_error', 'Parse error')),
  message('two messages in a row', `${ping(1)}${ping(2)}`, refusal(-32700, 'parse_error', 'Parse error')),
  message('a NUL behind the message', `${ping()}\0`, refusal(-32700, 'parse_error', 'Parse error')),
  message(
    'what is not UTF-8',
    Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    refusal(-32700, 'parse_error', 'Parse error: the body is not UTF-8'),
  ),
  message('a number', '1', invalid('expected object, got number')),
  message('null', 'null', invalid('expected object, got null')),
  message('a string', '"ping"', invalid('expected object, got string')),
  message('an empty batch', '[]', invalid('empty batch')),
  message('JSON-RPC 1.0', '{"jsonrpc":"1.0","id":7,"method":"ping"}', invalid('Invalid JSON-RPC version', 7)),
  message('no version', '{"id":"a","method":"ping"}', invalid('Invalid JSON-RPC version', 'a')),
  message('neither method nor id', '{"jsonrpc":"2.0"}', invalid('Invalid JSON-RPC structure')),
  message('neither method nor result', '{"jsonrpc":"2.0","id":7}', invalid('Invalid JSON-RPC structure', 7)),
  message('a method that is no text', '{"jsonrpc":"2.0","id":7,"method":1}', invalid('method must be a string', 7)),
  message(
    'params that are null',
    '{"jsonrpc":"2.0","id":7,"method":"ping","params":null}',
    invalid('params must be an object', 7),
  ),
  message(
    'params by position',
    '{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}',
    invalid('params must be an object', 7),
  ),
  message(
    'params by position, without id',
    '{"jsonrpc":"2.0","method":"x","params":[]}',
    invalid('params must be an object'),
  ),
  ...['null', '1.5', '-0.5', '9007199254740993', '1e300', '1e999', 'true', '{}', '[1]'].map((id) =>
    message(
      `the id ${id}`,
      `{"jsonrpc":"2.0","id":${id},"method":"ping"}`,
      invalid('id must be a string or an integer of 53 bits at most'),
    ),
  ),
  message(
    'a result and an error',
    '{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":""}}',
    invalid('Invalid JSON-RPC structure', 7),
  ),
  ...['__proto__', 'constructor', 'prototype'].map((key) =>
    message(
      `the key ${key}, deep inside (S2-24)`,
      `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":[{"${key}":{"admin":true}}]}}}`,
      refusal(-32600, 'forbidden_key', `Invalid request: forbidden key "${key}"`, 7),
    ),
  ),
  message(
    '65 levels (W-11)',
    `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":${'['.repeat(63)}${']'.repeat(63)}}}`,
    refusal(-32600, 'too_complex', 'Invalid request: nested deeper than 64 levels', 7),
  ),
  message(
    'more than 100,000 items (W-11)',
    `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":[${'1,'.repeat(99_998)}1]}}`,
    refusal(-32600, 'too_complex', 'Invalid request: more than 100000 keys and items', 7),
  ),
  message(
    'millions of items, which are not even read',
    `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":[${'{},'.repeat(3_000_000)}1]}}`,
    refusal(-32600, 'too_complex', 'Invalid request: more than 100000 keys and items'),
  ),
  message(
    'a batch in a session of another revision',
    `[${ping()}]`,
    refusal(
      -32600,
      'batch_not_allowed',
      'Invalid request: batches belong to revision 2025-03-26, in an initialized session',
    ),
  ),
  {
    ...message(
      'no session',
      ping(7),
      refusal(-32000, 'session_required', 'Mcp-Session-Id header required: initialize first', 7),
    ),
    bytes: () => wire(server.url, { body: ping(7) }),
  },
  {
    ...message(
      'a notification without session',
      '',
      refusal(-32000, 'session_required', 'Mcp-Session-Id header required: initialize first'),
    ),
    bytes: () => wire(server.url, { body: JSON.stringify(notification('notifications/initialized')) }),
  },
  message(
    'initialize in a session (D-8)',
    JSON.stringify(request(7, 'initialize', initializeParams('2025-11-25'))),
    refusal(-32600, 'already_initialized', 'initialize takes no Mcp-Session-Id header', 7),
  ),
];

const NO_SESSION = refusal(-32001, 'session_not_found', 'Session not found: initialize again', 7);
const FORBIDDEN_HOST = refusal(
  -32000,
  'forbidden_host',
  'Forbidden host: this server is not known by that name. Set MCP_ALLOWED_HOSTS or MCP_PUBLIC_URL.',
);
const FORBIDDEN_ORIGIN = refusal(
  -32000,
  'forbidden_origin',
  'Forbidden origin: add it to MCP_CORS_ORIGINS to let this page in.',
);
const NOT_JSON = refusal(
  -32000,
  'unsupported_media_type',
  'Unsupported Media Type: send Content-Type: application/json',
);
const ENCODED = refusal(
  -32000,
  'unsupported_media_type',
  'Unsupported Media Type: send the body without Content-Encoding',
);
const NOT_ACCEPTABLE = refusal(
  -32000,
  'not_acceptable',
  'Not Acceptable: send Accept: application/json, text/event-stream',
);
const TOO_LARGE = refusal(-32600, 'message_too_large', `Input too large: a body holds ${LIMIT_BYTES} bytes at most`);
const unsupportedRevision = (requested: string): Json => ({
  jsonrpc: '2.0',
  id: 7,
  error: {
    code: -32022,
    message: `Bad Request: Unsupported protocol version (supported versions: ${SUPPORTED.join(', ')})`,
    data: { kind: 'unsupported_revision', supported: SUPPORTED, requested },
  },
});

/** How a long header is told back: cut, and without what surrounds it on the wire. */
const shownRevision = (revision: string): string =>
  revision.trim().length > 64 ? `${revision.slice(0, 64)}…` : revision.trim();

const byHeaders = (status: number, body: Json, headers: WireHeaders): Refused => ({
  what: Object.entries(headers)
    .map(([name, value]) => `${name}: ${String(value).slice(0, 60)}`)
    .join(', '),
  status,
  body,
  bytes: () => wire(server.url, { body: ping(7), headers: { ...session, ...headers } }),
});

const HEADERS: readonly Refused[] = [
  ...['2026-01-01', '2025-11-25, 2025-11-25', '', 'latest', '2025-11-25 '.repeat(500)].map((revision) =>
    byHeaders(400, unsupportedRevision(shownRevision(revision)), { 'MCP-Protocol-Version': revision }),
  ),
  byHeaders(
    400,
    refusal(-32020, 'header_mismatch', 'Header mismatch: mcp-protocol-version has no counterpart in the body', 7),
    { 'MCP-Protocol-Version': '2026-07-28' },
  ),
  ...['nope', '', 'a'.repeat(8_000), '../../etc/passwd', 'é'].map((id) =>
    byHeaders(404, NO_SESSION, { 'Mcp-Session-Id': id }),
  ),
  byHeaders(404, NO_SESSION, { 'Mcp-Session-Id': ['nope', 'nope'] }),
  ...[
    null,
    '',
    'text/plain',
    'application/jsonp',
    'application/json, text/plain',
    'multipart/form-data; boundary=x',
  ].map((type) => byHeaders(415, NOT_JSON, { 'Content-Type': type })),
  ...['gzip', 'deflate, gzip', 'br'].map((encoding) => byHeaders(415, ENCODED, { 'Content-Encoding': encoding })),
  ...[
    '',
    'application/json',
    'text/event-stream',
    'application/json, text/html',
    'text/*',
    'application/json, text/event-stream;q=0',
    'application/json;q=0.000, text/event-stream',
    '*/*, text/event-stream; q=0',
    '*/*;q=0',
    'application/*;q=0, */*',
  ].map((accept) => byHeaders(406, NOT_ACCEPTABLE, { Accept: accept })),
  ...[
    'evil.com',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    'localhost:80.evil.com',
    '[::1].evil.com',
    'localhost@evil.com',
    'localhost.',
    '0.0.0.0',
    '[::1',
    '',
  ].map((host) => byHeaders(403, FORBIDDEN_HOST, { Host: host })),
  ...['https://evil.com', 'http://localhost.evil.com', 'http://localhost:3002.evil.com', 'null', 'file://', ''].map(
    (origin) => byHeaders(403, FORBIDDEN_ORIGIN, { Origin: origin }),
  ),
  byHeaders(400, refusal(-32600, 'invalid_request', 'Bad Request: send one host header'), {
    Host: ['localhost', 'evil.com'],
  }),
];

const byMethod = (method: string, body?: string): Refused => ({
  what: method,
  status: 405,
  body: refusal(-32000, 'method_not_allowed', `Method Not Allowed: ${method}`),
  bytes: () => wire(server.url, { method, headers: session, ...(body !== undefined && { body }) }),
});

const METHODS: readonly Refused[] = [
  byMethod('PUT', ping()),
  byMethod('PATCH', ping()),
  byMethod('TRACE'),
  byMethod('PROPFIND'),
];

const OTHERS: readonly Refused[] = [
  {
    what: 'GET that takes no events',
    status: 406,
    body: refusal(-32000, 'not_acceptable', 'Not Acceptable: send Accept: text/event-stream'),
    bytes: () => wire(server.url, { method: 'GET', headers: { ...session, Accept: 'application/json' } }),
  },
  {
    what: 'GET without session',
    status: 400,
    body: refusal(-32000, 'session_required', 'Mcp-Session-Id header required: initialize first'),
    bytes: () => wire(server.url, { method: 'GET', headers: { Accept: 'text/event-stream' } }),
  },
  {
    what: 'DELETE without session',
    status: 400,
    body: refusal(-32000, 'session_required', 'Mcp-Session-Id header required: initialize first'),
    bytes: () => wire(server.url, { method: 'DELETE' }),
  },
  {
    what: 'DELETE of an unknown session',
    status: 404,
    body: refusal(-32001, 'session_not_found', 'Session not found: initialize again'),
    bytes: () => wire(server.url, { method: 'DELETE', headers: { 'Mcp-Session-Id': 'nope' } }),
  },
  {
    what: 'a body in chunks that goes over the limit',
    status: 413,
    body: TOO_LARGE,
    bytes: () => {
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000, 0x20), Buffer.from('\r\n')]);
      const head = wire(server.url, { headers: { ...session, 'Transfer-Encoding': 'chunked' } });
      return Buffer.concat([head, ...Array<Buffer>(12).fill(chunk), Buffer.from('0\r\n\r\n')]);
    },
  },
  {
    what: 'a body whose length is over the limit',
    status: 413,
    body: TOO_LARGE,
    bytes: () => wire(server.url, { headers: session, body: Buffer.alloc(LIMIT_BYTES + 1, 0x20) }),
  },
];

const REFUSALS = [...MESSAGES, ...HEADERS, ...METHODS, ...OTHERS];

describe('6.2, 6.4, K-14, W-39 every fault has its status and its JSON-RPC error', () => {
  it.each(REFUSALS)('$status for $what', async ({ status, body, bytes }) => {
    const response = await exchange(server.url, bytes());
    expect({ status: response.status, body: jsonOf(response) }).toEqual({ status, body });
    expect(response.headers['content-type']).toBe('application/json');
    expect(response.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it.each(REFUSALS)(
    'after $status for $what the next request on the connection is answered',
    async ({ status, bytes }) => {
      const connection = await WireConnection.open(server.url);
      connection.send(Buffer.concat([bytes(), wire(server.url, { body: ping(8), headers: session })]));
      expect((await connection.response()).status).toBe(status);
      expect(jsonOf(await connection.response())).toEqual({ jsonrpc: '2.0', id: 8, result: {} });
      connection.end();
    },
  );

  it('says which methods there are with every 405, and leaves out the body for HEAD', async () => {
    for (const { bytes } of METHODS) {
      expect((await exchange(server.url, bytes())).headers['allow']).toBe('GET, POST, DELETE, OPTIONS');
    }
    const head = await exchange(server.url, wire(server.url, { method: 'HEAD' }), { isHead: true });
    expect(head).toMatchObject({ status: 405, body: '', headers: { allow: 'GET, POST, DELETE, OPTIONS' } });
    const options = await exchange(server.url, wire(server.url, { method: 'OPTIONS' }));
    expect(options).toMatchObject({ status: 204, body: '', headers: { allow: 'GET, POST, DELETE, OPTIONS' } });
  });

  it('refuses a length over the limit at once, without waiting for the body', async () => {
    const connection = await WireConnection.open(server.url);
    connection.send(wire(server.url, { headers: { ...session, 'Content-Length': String(LIMIT_BYTES + 1) } }));
    const response = await connection.response();
    expect({ status: response.status, body: jsonOf(response) }).toEqual({ status: 413, body: TOO_LARGE });
    connection.end();
  });

  it('takes a body of exactly the limit', async () => {
    const filler = ' '.repeat(LIMIT_BYTES - ping().length);
    expect(await post(ping() + filler, session)).toMatchObject({ status: 200 });
  });

  it.each(['text/plain', 'application/json'])(
    'gives a client its answer that sends megabytes of %s which are refused, rather than reset it',
    async (type) => {
      const body = Buffer.alloc(2 * LIMIT_BYTES, 0x20);
      const headers = { 'Content-Type': type, Accept: '*/*' };
      for (let round = 0; round < 5; round++) {
        const { status } = await fetch(server.url, { method: 'POST', headers, body });
        expect(status).toBe(type === 'text/plain' ? 415 : 413);
      }
    },
  );

  it(
    'lives through bodies made to fill its memory, on the heap of a small container',
    async () => {
      const small = await BuiltServer.start({ env: { NODE_OPTIONS: '--max-old-space-size=256' } });
      try {
        const bombs = [
          `[${'1,'.repeat(5_000_000)}1]`,
          `[${'[],'.repeat(3_300_000)}1]`,
          `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[${'{},'.repeat(3_300_000)}1]}}`,
          `${'['.repeat(5_000_000)}${']'.repeat(5_000_000)}`,
          `${'{"a":'.repeat(1_500_000)}1${'}'.repeat(1_500_000)}`,
        ];
        for (const body of bombs) {
          const response = await exchange(small.url, wire(small.url, { body }));
          expect(jsonOf(response)).toEqual(
            refusal(-32600, 'too_complex', 'Invalid request: more than 100000 keys and items'),
          );
        }
        expect(small.stderr).not.toMatch(/"level":"(error|fatal)"/);
      } finally {
        await small.dispose();
      }
    },
    LONG_MS,
  );
});

describe('6.4 what is not refused', () => {
  it.each<[string, WireHeaders]>([
    ['a charset', { 'Content-Type': 'application/json; charset=utf-8' }],
    ['a media type in capitals', { 'Content-Type': 'Application/JSON ;charset="UTF-8"' }],
    ['the encoding identity', { 'Content-Encoding': 'identity' }],
    ['no Accept', { Accept: null }],
    ['any media type', { Accept: '*/*' }],
    ['families of media types', { Accept: 'text/*;q=0.1, application/*' }],
    ['any media type but one that is not ours', { Accept: 'image/png;q=0, */*;q=0.5' }],
    ['media types in another order and in capitals', { Accept: 'Text/Event-Stream, Application/Json;q=0.5' }],
    ['two Accept headers', { Accept: ['application/json', 'text/event-stream'] }],
    ['every revision', { 'MCP-Protocol-Version': '2024-11-05' }],
    ['the host without port', { Host: 'localhost' }],
    ['the host with another port, as behind a port mapping', { Host: '127.0.0.1:1' }],
    ['the host in capitals', { Host: 'LOCALHOST' }],
    ['the IPv6 loopback address', { Host: '[::1]:8080' }],
    ['a page of the server itself', { Host: 'localhost:3002', Origin: 'http://localhost:3002' }],
    ['a page of the server itself, in capitals', { Host: 'localhost:3002', Origin: 'HTTP://LOCALHOST:3002' }],
    ['Expect: 100-continue', { Expect: '100-continue' }],
  ])('takes %s', async (_what, headers) => {
    const response = await post(ping('a'), { ...session, ...headers });
    expect([response.status, jsonOf(response)]).toEqual([200, { jsonrpc: '2.0', id: 'a', result: {} }]);
  });

  it.each([
    ['an id of 0', 0],
    ['the largest id', Number.MAX_SAFE_INTEGER],
    ['an empty id', ''],
    ['an id in any script', '\u0000é😀\ud800'],
  ])('echoes %s', async (_what, id) => {
    expect(jsonOf(await post(ping(id), session))).toEqual({ jsonrpc: '2.0', id, result: {} });
  });

  it('answers -0 as 0: the same number', async () => {
    expect((await post('{"jsonrpc":"2.0","id":-0,"method":"ping"}', session)).body).toContain('"id":0,');
  });

  it.each<[string, unknown]>([
    ['a notification', notification('notifications/initialized')],
    ['a notification that nobody knows', notification('notifications/made/up', { a: [1] })],
    ['a cancellation of what does not run', notification('notifications/cancelled', { requestId: 99 })],
    ['an answer to what was never asked (D-6)', { jsonrpc: '2.0', id: 99, result: {} }],
    ['an error for what was never asked', { jsonrpc: '2.0', id: 'x', error: { code: -32601, message: 'no' } }],
    ['an error about what could not be read, with no id', { jsonrpc: '2.0', error: { code: -32700, message: 'no' } }],
    ['an error about what could not be read', { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'no' } }],
  ])('takes %s with 202 and no body', async (_what, body) => {
    const response = await post(JSON.stringify(body), session);
    expect([response.status, response.body, response.headers['content-length']]).toEqual([202, '', '0']);
  });

  it('takes a batch in revision 2025-03-26, up to 50 messages (W-39)', async () => {
    const old = await openSession(server.url, '2025-03-26');
    const batch = (count: number): string => `[${Array.from({ length: count }, (_, at) => ping(at)).join(',')}]`;
    expect(JSON.parse((await post(batch(50), old)).body)).toHaveLength(50);
    const tooLong = await post(batch(51), old);
    expect(tooLong.status).toBe(400);
    expect(jsonOf(tooLong)).toEqual(
      refusal(-32600, 'batch_not_allowed', 'Invalid request: a batch holds 50 messages at most'),
    );
    expect(await post(`[${JSON.stringify(notification('x'))}]`, old)).toMatchObject({ status: 202, body: '' });
  });

  it('ends a session with 204 and no body; from then on its id is unknown', async () => {
    const ended = await openSession(server.url);
    const gone = await exchange(server.url, wire(server.url, { method: 'DELETE', headers: ended }));
    expect([gone.status, gone.body]).toEqual([204, '']);
    const after = await post(ping(7), ended);
    expect([after.status, jsonOf(after)]).toEqual([404, NO_SESSION]);
  });

  it('leaves every other path to the application', async () => {
    const get = (path: string): Promise<WireResponse> =>
      exchange(server.url, wire(server.url, { method: 'GET', path }));
    expect(jsonOf(await get('/health/live'))).toEqual({ status: 'alive' });
    for (const path of ['/nope', '/mcp/', '/mcp/x', '/MCP', '/mcpx', '/%6dcp', '/%zz', '//mcp']) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await get('/mcp?x=1')).status).toBe(400);
  });
});

describe('W-4, W-5, D-21 a page of a listed origin, and no other', () => {
  const ORIGIN = 'https://app.example.com';
  let listed: BuiltServer;

  beforeAll(async () => {
    listed = await BuiltServer.start({
      env: { MCP_CORS_ORIGINS: `${ORIGIN},http://localhost:5173`, MCP_ALLOWED_HOSTS: 'mcp.example.com' },
    });
  }, LONG_MS);
  afterAll(() => listed.dispose());

  const preflight = (headers: WireHeaders): Promise<WireResponse> =>
    exchange(listed.url, wire(listed.url, { method: 'OPTIONS', headers }));

  it('gets its preflight answered', async () => {
    const asks = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'mcp-session-id' };
    const { status, body, headers } = await preflight({ Origin: ORIGIN, ...asks });
    expect([status, body]).toEqual([204, '']);
    expect(headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
      'access-control-allow-headers': expect.stringMatching(/Content-Type.*Authorization.*Mcp-Session-Id/),
      'access-control-max-age': '600',
      vary: 'Origin',
    });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('may read the session id, and why it was refused', async () => {
    const body = JSON.stringify(request(0, 'initialize', initializeParams('2025-11-25')));
    const opened = await exchange(listed.url, wire(listed.url, { body, headers: { Origin: ORIGIN } }));
    const refused = await exchange(listed.url, wire(listed.url, { body: '{', headers: { Origin: ORIGIN } }));
    for (const { headers } of [opened, refused]) {
      expect(headers).toMatchObject({
        'access-control-allow-origin': ORIGIN,
        'access-control-expose-headers': 'Mcp-Session-Id, Retry-After, WWW-Authenticate',
        vary: 'Origin',
      });
    }
    expect([opened.status, refused.status]).toEqual([200, 400]);
  });

  it.each([
    'https://app.example.com.evil.com',
    'https://evil.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com/',
    'https://APP.example.com',
    'http://localhost:5174',
    'null',
    '*',
  ])('refuses %s, preflight and all, without a word of CORS', async (origin) => {
    for (const method of ['OPTIONS', 'POST', 'GET', 'DELETE']) {
      const response = await exchange(listed.url, wire(listed.url, { method, headers: { Origin: origin } }));
      expect([response.status, jsonOf(response)]).toEqual([403, FORBIDDEN_ORIGIN]);
      expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(response.headers['vary']).toBe('Origin');
    }
  });

  it('tells caches that answers differ by origin, also where none was sent', async () => {
    expect((await exchange(listed.url, wire(listed.url, { body: '{' }))).headers['vary']).toBe('Origin');
  });

  it('knows itself by the names that were set', async () => {
    const named = await exchange(listed.url, wire(listed.url, { body: '{', headers: { Host: 'MCP.example.com:443' } }));
    expect(named.status).toBe(400);
    const sub = await exchange(listed.url, wire(listed.url, { body: '{', headers: { Host: 'x.mcp.example.com' } }));
    expect(sub.status).toBe(403);
  });

  it('writes down whom it refused, on one line, whatever the header held', async () => {
    const nasty = 'https://evil.com\tforged \u0085line';
    await exchange(listed.url, wire(listed.url, { body: '{', headers: { Origin: nasty } }));
    await exchange(listed.url, wire(listed.url, { body: '{', headers: { Host: 'evil.com' } }));
    await listed.said(/\[SECURITY\].*host_rejected[^\n]*evil\.com/);
    const [origin] = await listed.said(/\[SECURITY\].*origin_rejected[^\n]*forged[^\n]*/);
    expect(origin).toContain('u0009forged');
  });
});

describe('S0-12, S2-15, K-11 more messages than the limit allows', () => {
  const WINDOW_MS = 2_000;
  let limited: BuiltServer;

  beforeAll(async () => {
    const env = { MCP_RATE_LIMIT_MAX: '3', MCP_RATE_LIMIT_WINDOW_MS: String(WINDOW_MS) };
    limited = await BuiltServer.start({ env });
  }, LONG_MS);
  afterAll(() => limited.dispose());

  it('are refused with 429 and a Retry-After that is true, for that session alone', async () => {
    const [mine, theirs] = [await openSession(limited.url), await openSession(limited.url)];
    const bytes = (headers: WireHeaders, id: number): Buffer => wire(limited.url, { body: ping(id), headers });
    const connection = await WireConnection.open(limited.url);
    // In one write: they arrive at the same moment.
    connection.send(Buffer.concat([1, 2, 3, 4].map((id) => bytes(mine, id)).concat(bytes(theirs, 5))));
    for (const id of [1, 2, 3]) expect(jsonOf(await connection.response())).toMatchObject({ id, result: {} });
    const refused = await connection.response();
    expect(refused.status).toBe(429);
    const error = jsonOf(refused)['error'] as { data: { retryAfterMs: number } };
    const { retryAfterMs } = error.data;
    expect(jsonOf(refused)).toEqual({
      jsonrpc: '2.0',
      id: 4,
      error: { code: -32000, message: 'Rate limit exceeded', data: { kind: 'rate_limited', retryAfterMs } },
    });
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(WINDOW_MS);
    expect(refused.headers['retry-after']).toBe(String(Math.ceil(retryAfterMs / 1_000)));
    expect(jsonOf(await connection.response())).toMatchObject({ id: 5, result: {} });

    await pause(retryAfterMs);
    connection.send(bytes(mine, 6));
    expect(jsonOf(await connection.response())).toMatchObject({ id: 6, result: {} });
    connection.end();
    await limited.said(/\[SECURITY\].*rate_limit_exceeded/);
  });
});
