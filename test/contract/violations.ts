import { initializeParams, type Json, modernParams, request } from '../support/messages.js';
import type { DoorName } from '../support/doors.js';
import { MODERN, type SpecRevision } from '../support/wire/spec-schema.js';

/** What is said of a violation, in one cell. */
export interface Told {
  readonly code: number;
  readonly kind: string;
  readonly message: string;
  /** HTTP status. */
  readonly status: number;
}

/** What is sent: a message, or bytes and headers that are none. */
export interface Sending {
  /** JSON value; text and bytes are sent as they are. */
  readonly frame?: unknown;
  /** HTTP alone: headers besides those that the message has by right; null takes one away. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** HTTP alone; POST when left out. */
  readonly verb?: string;
}

/** A MUST of the specification that a client breaks, and how it is told. */
export interface Violation {
  readonly name: string;
  readonly spec: string;
  readonly in: (revision: SpecRevision) => boolean;
  /** Every door when left out. */
  readonly doors?: readonly DoorName[];
  /** Whether it is sent where no session is open; in a session of the revision when left out. */
  readonly unopened?: boolean;
  readonly sends: readonly Sending[] | ((revision: SpecRevision) => readonly Sending[]);
  /** The same in every cell, or by revision and door. */
  readonly told: Told | ((revision: SpecRevision, door: DoorName) => Told);
  /** Whether it is refused before the message is read: the answer cannot have its id. */
  readonly isUnread?: boolean;
  /** Security event that it is for us. */
  readonly event?: string;
}

const every = (): boolean => true;
const legacy = (revision: SpecRevision): boolean => revision !== MODERN;
const modern = (revision: SpecRevision): boolean => revision === MODERN;
const only =
  (...revisions: SpecRevision[]) =>
  (revision: SpecRevision): boolean =>
    revisions.includes(revision);

const told = (code: number, kind: string, message: string, status = 400): Told => ({ code, kind, message, status });
const invalid = (message: string): Told => told(-32600, 'invalid_request', `Invalid request: ${message}`);
/** Faults of params are faults of what is asked for: the message itself was sound. */
const params = (message: string): Told => told(-32602, 'invalid_params', `Invalid params: ${message}`, 200);
const frames = (...all: unknown[]): readonly Sending[] => all.map((frame) => ({ frame }));

/** A request of whichever era. */
const asked = (method: string, more?: Json) => (revision: SpecRevision) =>
  frames(request('v', method, modern(revision) ? modernParams(more) : more));

const MESSAGES: readonly Violation[] = [
  {
    name: 'what is not JSON',
    spec: 'basic, Messages; JSON-RPC 2.0, section 5.1',
    in: every,
    sends: frames('{"jsonrpc":', '{"jsonrpc":"2.0","id":1,"method":"ping"} {}', 'ping'),
    told: told(-32700, 'parse_error', 'Parse error'),
    event: 'invalid_input',
  },
  {
    name: 'what is not UTF-8',
    spec: 'basic/transports, JSON-RPC messages MUST be UTF-8 encoded',
    in: every,
    sends: frames(Buffer.from([...Buffer.from('{"jsonrpc":"2.0","id":"'), 0xc3, 0x28, ...Buffer.from('"}')])),
    // A WebSocket knows itself what a text is: it is closed (RFC 6455, section 8.1).
    doors: ['http', 'sse', 'stdio', 'tcp'],
    told: (_revision, door) =>
      told(
        -32700,
        'parse_error',
        `Parse error: the ${door === 'http' || door === 'sse' ? 'body' : 'line'} is not UTF-8`,
      ),
  },
  ...(
    [
      ['a text', '"ping"', 'string'],
      ['a number', '7', 'number'],
      ['nothing', 'null', 'null'],
      ['a truth', 'true', 'boolean'],
    ] as const
  ).map(([what, frame, type]) => ({
    name: `${what} in place of a message`,
    spec: 'basic, Messages',
    in: every,
    sends: frames(frame),
    told: invalid(`expected object, got ${type}`),
    event: 'invalid_input',
  })),
  {
    name: 'another version of JSON-RPC, or none',
    spec: 'JSON-RPC 2.0, section 4',
    in: every,
    sends: frames({ id: 'v', method: 'ping' }, { jsonrpc: '1.0', id: 'v', method: 'ping' }),
    told: invalid('Invalid JSON-RPC version'),
  },
  {
    name: 'an id that is null, a fraction, too large, or no id at all',
    spec: 'basic, Requests MUST include a string or integer ID, which MUST NOT be null',
    in: every,
    sends: frames(
      ...[null, 1.5, true, {}, []].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/list' })),
      '{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list"}',
    ),
    told: invalid('id must be a string or an integer of 53 bits at most'),
  },
  {
    name: 'a method that is no text',
    spec: 'JSON-RPC 2.0, section 4',
    in: every,
    sends: frames({ jsonrpc: '2.0', id: 'v', method: 7 }, { jsonrpc: '2.0', id: 'v', method: null }),
    told: invalid('method must be a string'),
  },
  {
    name: 'params that are no object',
    spec: 'basic, Requests',
    in: every,
    sends: frames(...[[], null, 'x', 7].map((given) => ({ jsonrpc: '2.0', id: 'v', method: 'ping', params: given }))),
    told: invalid('params must be an object'),
  },
  {
    name: 'neither a request nor an answer, or both answers at once',
    spec: 'basic, Responses MUST include a result or an error, and not both; Error codes MUST be integers',
    in: every,
    sends: frames(
      { jsonrpc: '2.0', id: 'v' },
      { jsonrpc: '2.0', id: 'v', result: {}, error: { code: 1, message: 'both' } },
      { jsonrpc: '2.0', id: 'v', error: { code: 1.5, message: 'a fraction' } },
    ),
    told: invalid('Invalid JSON-RPC structure'),
  },
  {
    name: 'S2-24 a key that reaches for what objects have in common',
    spec: 'S2-24',
    in: every,
    sends: frames('{"jsonrpc":"2.0","id":"v","method":"ping","params":{"a":[{"__proto__":1}]}}'),
    told: told(-32600, 'forbidden_key', 'Invalid request: forbidden key "__proto__"'),
    event: 'invalid_input',
  },
];

const NO_BATCHES = 'Invalid request: batches belong to revision 2025-03-26, in an initialized session';
const PING = request('p', 'ping');

const BATCHES: readonly Violation[] = [
  {
    name: 'a batch in a revision that has none',
    spec: 'changelog of 2025-06-18; basic, Messages',
    in: (revision) => legacy(revision) && revision !== '2025-03-26',
    sends: frames([PING, PING]),
    told: told(-32600, 'batch_not_allowed', NO_BATCHES),
  },
  {
    name: 'a batch in place of a single message',
    spec: 'basic/transports/stdio: each message is a single request, notification or response',
    in: modern,
    doors: ['stdio', 'websocket', 'tcp'],
    sends: frames([PING, PING]),
    told: told(-32600, 'batch_not_allowed', NO_BATCHES),
  },
  {
    name: 'an empty batch',
    spec: 'JSON-RPC 2.0, section 6',
    in: every,
    sends: frames([]),
    told: invalid('empty batch'),
  },
  {
    name: 'a batch of more messages than are taken',
    spec: 'W-39',
    in: only('2025-03-26'),
    sends: frames(Array.from({ length: 51 }, () => PING)),
    told: told(-32600, 'batch_not_allowed', 'Invalid request: a batch holds 50 messages at most'),
  },
];

const LIFECYCLE: readonly Violation[] = [
  {
    name: 'a request before initialize',
    spec: 'basic/lifecycle, Initialization MUST be the first interaction',
    in: legacy,
    doors: ['stdio', 'websocket', 'tcp', 'sse'],
    unopened: true,
    sends: frames(request('v', 'tools/list')),
    told: told(-32600, 'not_initialized', 'Not initialized: send initialize first'),
  },
  {
    name: 'a second initialize',
    spec: 'basic/lifecycle, Initialization; DESIGN D-8',
    in: legacy,
    sends: (revision) => frames(request('v', 'initialize', initializeParams(revision))),
    told: (_revision, door) =>
      told(
        -32600,
        'already_initialized',
        door === 'http' ? 'initialize takes no Mcp-Session-Id header' : 'This session is already initialized',
      ),
  },
  ...(
    [
      ['protocolVersion', 'protocolVersion must be a string'],
      ['capabilities', 'capabilities must be an object'],
      ['clientInfo', 'clientInfo must have a name and a version'],
    ] as const
  ).map(([field, why]) => ({
    name: `an initialize without ${field}`,
    spec: 'basic/lifecycle, Initialization: the request MUST contain version, capabilities and client information',
    in: legacy,
    unopened: true,
    sends: (revision: SpecRevision) => {
      const { [field]: _left, ...rest } = initializeParams(revision);
      return frames(request('v', 'initialize', rest), request('v', 'initialize', { ...rest, [field]: 7 }));
    },
    told: params(why),
  })),
  {
    name: 'a notification with an id: it is a request of no method',
    spec: 'basic, Notifications MUST NOT include an ID',
    in: every,
    sends: asked('notifications/initialized'),
    told: (revision) =>
      told(-32601, 'method_not_found', 'Method not found: notifications/initialized', modern(revision) ? 404 : 200),
  },
  {
    name: 'a method that there is not',
    spec: 'JSON-RPC 2.0, section 5.1; basic/transports/streamable-http, Protocol Version Header',
    in: every,
    sends: asked('tools/destroy'),
    told: (revision) =>
      told(-32601, 'method_not_found', 'Method not found: tools/destroy', modern(revision) ? 404 : 200),
  },
];

const UTILITIES: readonly Violation[] = [
  {
    name: 'a progress token that is none',
    spec: 'basic/utilities/progress, Progress tokens MUST be a string or integer value',
    in: every,
    sends: (revision) =>
      [{}, null, 1.5, true].flatMap((progressToken) =>
        modern(revision)
          ? frames(request('v', 'tools/list', modernParams({}, { meta: { progressToken } })))
          : frames(request('v', 'tools/list', { _meta: { progressToken } })),
      ),
    told: params('progressToken must be a string or an integer'),
  },
  {
    name: '_meta that is no object',
    spec: 'basic, _meta',
    in: legacy,
    sends: frames(request('v', 'tools/list', { _meta: 'all of it' })),
    told: params('_meta must be an object'),
  },
  {
    name: 'a log level that there is not',
    spec: 'server/utilities/logging, Error Handling',
    in: legacy,
    sends: asked('logging/setLevel', { level: 'loud' }),
    told: params('level must be one of debug, info, notice, warning, error, critical, alert, emergency'),
  },
  {
    name: 'a log level that there is not, asked for by a call',
    spec: 'server/utilities/logging, Error Handling',
    in: modern,
    sends: frames(request('v', 'tools/list', modernParams({}, { logLevel: 'loud' }))),
    told: params('the log level must be one of debug, info, notice, warning, error, critical, alert, emergency'),
  },
  {
    name: 'a completion of what can have none',
    spec: 'server/utilities/completion, Reference Types',
    in: every,
    sends: asked('completion/complete', {
      ref: { type: 'ref/tool', name: 'echo' },
      argument: { name: 'a', value: '' },
    }),
    told: params('ref.type must be ref/prompt or ref/resource'),
  },
  {
    name: 'a completion that does not say what was typed',
    spec: 'server/utilities/completion, Requesting Completions',
    in: every,
    sends: asked('completion/complete', { ref: { type: 'ref/prompt', name: 'letter' }, argument: { name: 'tone' } }),
    told: params('value must be a string'),
  },
];

const FEATURES: readonly Violation[] = [
  {
    name: 'a tool that there is not',
    spec: 'server/tools, Error Handling',
    in: every,
    sends: asked('tools/call', { name: 'no_such_tool', arguments: {} }),
    told: told(-32602, 'unknown_tool', 'Unknown tool: no_such_tool', 200),
  },
  {
    name: 'a call that does not name its tool',
    spec: 'server/tools, Calling Tools',
    in: legacy,
    sends: asked('tools/call', { arguments: {} }),
    told: params('name must be a string'),
  },
  {
    name: 'arguments that do not fit',
    spec: 'server/tools, Error Handling: before 2025-11-25 an error of the protocol',
    in: only('2024-11-05', '2025-03-26', '2025-06-18'),
    sends: asked('tools/call', { name: 'sum', arguments: { numbers: 'none' } }),
    told: told(-32602, 'invalid_params', 'Invalid arguments for tool sum: numbers must be array', 200),
  },
  {
    name: 'a resource that there is not',
    spec: 'server/resources, Error Handling',
    in: every,
    sends: asked('resources/read', { uri: 'contract://nothing' }),
    told: (revision) =>
      told(modern(revision) ? -32602 : -32002, 'resource_not_found', 'Resource not found: contract://nothing', 200),
  },
  {
    name: 'a subscription that does not say to what',
    spec: 'server/resources, Subscriptions',
    in: legacy,
    sends: asked('resources/subscribe', {}),
    told: params('uri must be a string'),
  },
  {
    name: 'a prompt that there is not',
    spec: 'server/prompts, Error Handling',
    in: every,
    sends: asked('prompts/get', { name: 'no_such_prompt' }),
    told: told(-32602, 'unknown_prompt', 'Unknown prompt: no_such_prompt', 200),
  },
  {
    name: 'a prompt without an argument that it needs',
    spec: 'server/prompts, Error Handling',
    in: every,
    sends: asked('prompts/get', { name: 'letter', arguments: { tone: 'kind' } }),
    told: told(-32602, 'invalid_params', 'Prompt letter needs the arguments: to', 200),
  },
  {
    name: 'an argument of a prompt that is no text',
    spec: 'server/prompts, schema, GetPromptRequest',
    in: every,
    sends: asked('prompts/get', { name: 'letter', arguments: { to: 7 } }),
    told: params('arguments.to must be a string'),
  },
  {
    name: 'a cursor that is no text, or none of ours',
    spec: 'server/utilities/pagination, Error Handling',
    in: every,
    sends: (revision) =>
      [7, '', 'MTA=', '../../etc/passwd'].flatMap((cursor) => asked('tools/list', { cursor })(revision)),
    told: told(-32602, 'invalid_cursor', 'Invalid cursor: start again without one', 200),
    event: 'invalid_input',
  },
];

export const OF_BOTH_ERAS: readonly Violation[] = [...MESSAGES, ...BATCHES, ...LIFECYCLE, ...UTILITIES, ...FEATURES];
