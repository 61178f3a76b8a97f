// Arbitraries of what a client may send in place of a message.
import fc from 'fast-check';
import { deep, junk, objectText, wide } from './fuzz-json.js';

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28', '1999-01-01', ''] as const;

const RESOURCES = [
  'server://info',
  'server://stats',
  'contract://plain',
  'contract://bytes',
  'contract://fruit/red/apple',
] as const;
const TEMPLATES = ['contract://fruit/{colour}/{name}', 'server://info'] as const;
const PROMPTS = ['server-overview', 'letter', 'talk', 'mixed'] as const;
const LEVELS = ['debug', 'info', 'error', 'emergency'] as const;
const METHODS = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
] as const;
const MODERN_METHODS = ['server/discover', 'tasks/get', 'tasks/update', 'tasks/cancel', ...METHODS] as const;
const TASKS = 'io.modelcontextprotocol/tasks';
const ODD_METHODS = [
  'server/discover',
  'resources/subscribe',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'rpc.discover',
  'tools/call ',
  'TOOLS/CALL',
  '',
  '__proto__',
  'constructor',
  'toString',
] as const;

const text = (value: unknown): string => JSON.stringify(value);

/** Mostly what is right, now and then what is not. */
const mostly = (right: fc.Arbitrary<string>, wrong: fc.Arbitrary<string> = junk): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong });
const oneOf = (names: readonly string[]): fc.Arbitrary<string> => mostly(fc.constantFrom(...names).map(text));

/** Text of an object in which now and then a field is missing. */
const record = (fields: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.record(fields), fc.oneof({ weight: 12, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(5) }))
    .map(([values, missing]) => objectText(Object.entries(values).filter((_entry, at) => at !== missing)));

const list = (items: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(items, { maxLength: 4 }).map((all) => `[${all.join(',')}]`);

const meta = fc.oneof(
  { weight: 6, arbitrary: fc.constant('{}') },
  { weight: 2, arbitrary: fc.oneof(junk, fc.constant('1')).map((token) => `{"progressToken":${token}}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('60000', '-1', '1e999', '"1"').map((ms) => `{"mcp-gatehouse/timeoutMs":${ms}}`),
  },
  {
    weight: 1,
    arbitrary: oneOf(REVISIONS).map((revision) => `{"io.modelcontextprotocol/protocolVersion":${revision}}`),
  },
  { weight: 1, arbitrary: junk },
);

/** What a request of 2026-07-28 says of its sender. */
const envelope = record({
  'io.modelcontextprotocol/protocolVersion': oneOf(['2026-07-28']),
  'io.modelcontextprotocol/clientCapabilities': mostly(
    fc.oneof(fc.constant('{}'), record({ elicitation: junk, extensions: fc.constant(`{"${TASKS}":{}}`) })),
  ),
  'io.modelcontextprotocol/clientInfo': mostly(fc.constant('{"name":"fuzz","version":"1"}')),
  'io.modelcontextprotocol/logLevel': oneOf(LEVELS),
  progressToken: junk,
});

/** What a client brings back from an earlier round, that never was. */
const round = record({ inputResponses: fc.oneof(junk, record({ key: junk })), requestState: junk });

/** Puts members into the text of an object. */
const within = (object: string, members: string): string =>
  members === '{}' ? object : object === '{}' ? members : `${object.slice(0, -1)},${members.slice(1)}`;

const mark = record({ mark: oneOf(['m']) });
const word = record({ word: oneOf(['word', 'forbidden']) });
/** None so large that a result overflows: that would be the tool's own fault. */
const number = mostly(fc.integer().map(text), fc.constantFrom('"1"', 'null', 'true', '1e999', '[1]', '1e100'));
const nothing = mostly(fc.constant('{}'));

/** Tools with arguments that they take, or nearly: those built in, and those of the contract fixture that do not fail. */
const TOOL_CALLS = fc.oneof(
  ...Object.entries({
    echo: record({ message: fc.oneof(junk, fc.string({ unit: 'binary' }).map(text)) }),
    get_time: nothing,
    list_files: record({ path: fc.constantFrom('"."', '"../.."', '"/etc"', '"a\\u0000b"', '""'), limit: oneOf(['1']) }),
    math_calc: record({
      expression: fc
        .oneof(
          fc.constantFrom('2+2', '9**9**9**9', '((((1', '1/0', '1e999', `${'('.repeat(500)}1`),
          fc.string({ unit: fc.constantFrom(...'0123456789.+-*/%() ') }),
        )
        .map(text),
    }),
    run_command: record({ command: oneOf(['ls', 'ls; id']) }),
    sum: record({ numbers: list(number) }),
    greet: record({ people: list(record({ name: oneOf(['Ada']), email: oneOf(['a@example.com']) })), times: junk }),
    area: record({ shape: oneOf(['square', 'circle']), size: number }),
    bare: nothing,
    rich: nothing,
    count: mark,
    log_all: nothing,
    guarded: word,
    dressed: word,
  }).map(([name, args]) => record({ name: oneOf([name]), arguments: mostly(args), _meta: meta })),
);

const paged = fc.oneof({ weight: 2, arbitrary: fc.constant('{}') }, { weight: 1, arbitrary: record({ cursor: junk }) });
const uri = fc.oneof(
  { weight: 4, arbitrary: oneOf(RESOURCES) },
  { weight: 1, arbitrary: fc.webUrl().map(text) },
  { weight: 1, arbitrary: fc.nat(20_000).map((length) => text(`contract://fruit/red/${'a'.repeat(length)}`)) },
);

const PARAMS: ReadonlyMap<string, fc.Arbitrary<string>> = new Map(
  Object.entries({
    initialize: record({
      protocolVersion: oneOf(REVISIONS),
      capabilities: mostly(record({ roots: junk, sampling: junk, elicitation: junk })),
      clientInfo: mostly(record({ name: oneOf(['fuzz']), version: oneOf(['1']), title: junk })),
    }),
    'tools/list': paged,
    'tools/call': TOOL_CALLS,
    'resources/list': paged,
    'resources/templates/list': paged,
    'resources/read': record({ uri, _meta: meta }),
    'prompts/list': paged,
    'prompts/get': record({
      name: oneOf(PROMPTS),
      arguments: mostly(record({ to: oneOf(['Ada']), tone: oneOf(['kind']) })),
      _meta: meta,
    }),
    'completion/complete': record({
      ref: record({ type: oneOf(['ref/prompt', 'ref/resource']), name: oneOf(PROMPTS), uri: oneOf(TEMPLATES) }),
      argument: record({ name: oneOf(['to', 'tone', 'name']), value: oneOf(['', 'k']) }),
      context: mostly(record({ arguments: mostly(record({ colour: oneOf(['red']) })) })),
    }),
    'logging/setLevel': record({ level: oneOf(LEVELS) }),
    'tasks/get': record({ taskId: junk }),
    'tasks/update': record({ taskId: junk, inputResponses: junk }),
    'tasks/cancel': record({ taskId: junk }),
  }),
);

/** Ids of every type; mostly such that an answer can carry them. */
const id: fc.Arbitrary<string | undefined> = fc.oneof(
  { weight: 24, arbitrary: fc.nat(1_000_000).map(String) },
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }).map(text) },
  { weight: 2, arbitrary: junk },
  { weight: 2, arbitrary: fc.constant(undefined) },
);

/** Members that a message has besides its own, and that come last: of two of a name, the later counts. */
const more = fc.oneof(
  { weight: 30, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.constantFrom('id', 'method', 'result', '__proto__', 'x'), junk)) },
);

/** Text of a message of a real method, with ids and params of any kind. */
const call: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 6, arbitrary: fc.constant('tools/call') },
    { weight: 12, arbitrary: fc.constantFrom(...METHODS) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_METHODS) },
  )
  .chain((method) => {
    const right = PARAMS.get(method) ?? fc.constantFrom('{}', undefined);
    return fc.record({
      version: fc.oneof({ weight: 40, arbitrary: fc.constant('"2.0"') }, { weight: 1, arbitrary: junk }),
      id,
      method: fc.oneof({ weight: 40, arbitrary: fc.constant(text(method)) }, { weight: 1, arbitrary: junk }),
      params: fc.oneof<fc.WeightedArbitrary<string | undefined>[]>(
        { weight: 20, arbitrary: right },
        { weight: 1, arbitrary: junk },
        { weight: 1, arbitrary: fc.constant(undefined) },
      ),
      more,
    });
  })
  .map(({ version, id: name, method, params, more: others }) =>
    objectText([
      ['jsonrpc', version],
      ...(name === undefined ? [] : [['id', name] as const]),
      ['method', method],
      ...(params === undefined ? [] : [['params', params] as const]),
      ...others,
    ]),
  );

/** Text of a request of 2026-07-28. */
const modern: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 1, arbitrary: fc.constant('tools/call') },
    { weight: 3, arbitrary: fc.constantFrom(...MODERN_METHODS) },
  )
  .chain((method) =>
    fc.record({
      id,
      method: fc.constant(text(method)),
      params: PARAMS.get(method) ?? fc.constant('{}'),
      rounds: fc.oneof({ weight: 9, arbitrary: fc.constant('{}') }, { weight: 1, arbitrary: round }),
      envelope,
    }),
  )
  .map(({ id: name = '1', method, params, rounds, envelope: meta }) =>
    objectText([
      ['jsonrpc', '"2.0"'],
      ['id', name],
      ['method', method],
      // Of two `_meta` the later counts.
      ['params', within(within(params, rounds), `{"_meta":${meta}}`)],
    ]),
  );

/** Text of a request to listen that is refused: one that is not goes on for ever. */
const listen: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('null', '[]', '"x"', '{"taskIds":1}', `{"taskIds":[${'1,'.repeat(300)}1]}`), envelope)
  .map(
    ([wanted, meta]) =>
      `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":${wanted},"_meta":${meta}}}`,
  );

/** Text of an answer to something that was never asked, or that could not be read. */
const version = fc.constant('"2.0"');
const error = mostly(record({ code: mostly(fc.constant('-32700')), message: mostly(fc.constant('"no"')) }));
const answer: fc.Arbitrary<string> = fc.oneof(
  record({ jsonrpc: version, id: oneOf(['x']), result: mostly(fc.constant('{}')) }),
  record({ jsonrpc: version, id: fc.oneof(junk, fc.constantFrom('null', '1')), error }),
  record({ jsonrpc: version, error }),
  record({ jsonrpc: version, id: junk, result: junk, error }),
);

/** Text of a call with something enormous in it. */
const enormous: fc.Arbitrary<string> = fc
  .record({ value: fc.oneof(deep, wide), place: fc.constantFrom('params', 'arguments', 'id', 'root', 'result') })
  .map(({ value, place }) => {
    if (place === 'root') return value;
    if (place === 'result') return `{"jsonrpc":"2.0","id":1,"result":${value}}`;
    if (place === 'id') return `{"jsonrpc":"2.0","id":${value},"method":"ping"}`;
    if (place === 'params') return `{"jsonrpc":"2.0","id":1,"method":"ping","params":${value}}`;
    return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":${value}}}`;
  });

const batch: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(fc.oneof(call, modern, answer, junk), { maxLength: 6 }) },
    {
      weight: 1,
      arbitrary: fc.tuple(call, fc.integer({ min: 45, max: 60 })).map(([one, count]) => Array<string>(count).fill(one)),
    },
    { weight: 1, arbitrary: fc.nat(3_000).map((count) => Array<string>(count).fill('1')) },
  )
  .map((members) => `[${members.join(',')}]`);

/** One change of a text that was right, by place (0 to 1). */
type Mutation = (bytes: Buffer) => Buffer;

// Not of doubles: nearly all of those are nearly 0.
const place = fc.nat(65_535).map((part) => part / 65_536);
const at = (bytes: Buffer, where: number): number => Math.floor(where * bytes.length);
const splice = (bytes: Buffer, from: number, gone: number, come: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), come, bytes.subarray(from + gone)]);

const mutation = fc.oneof<fc.Arbitrary<Mutation>[]>(
  fc.tuple(place, fc.nat(7)).map(([where, bit]): Mutation => (bytes) => {
    const from = at(bytes, where);
    return splice(bytes, from, 1, Buffer.from([(bytes[from] ?? 0) ^ (1 << bit)]));
  }),
  place.map(
    (where): Mutation =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  ),
  fc.tuple(place, fc.nat(20)).map(
    ([where, length]): Mutation =>
      (bytes) =>
        splice(bytes, at(bytes, where), length, Buffer.alloc(0)),
  ),
  fc.tuple(place, fc.nat(40), fc.nat(30)).map(([where, length, times]): Mutation => (bytes) => {
    const from = at(bytes, where);
    const piece = bytes.subarray(from, from + length);
    return splice(bytes, from, 0, Buffer.concat(Array<Buffer>(times).fill(piece)));
  }),
  fc.tuple(place, fc.uint8Array({ maxLength: 8 })).map(
    ([where, come]): Mutation =>
      (bytes) =>
        splice(bytes, at(bytes, where), 0, Buffer.from(come)),
  ),
  // A value becomes one of another type.
  fc.tuple(place, junk).map(([where, value]): Mutation => (bytes) => {
    const before = bytes.toString('latin1');
    const colon = before.indexOf(':', at(bytes, where));
    const end = before.slice(colon + 1).search(/[,}\]]/);
    if (colon < 0 || end < 0) return bytes;
    return splice(bytes, colon + 1, end, Buffer.from(value));
  }),
);

/** Breaks bytes that were right, in one to three places. */
export const broken: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc
  .array(mutation, { minLength: 1, maxLength: 3 })
  .map((mutations) => (bytes: Buffer) => mutations.reduce<Buffer>((done, mutate) => mutate(done), bytes));

const mutated: fc.Arbitrary<Buffer> = fc
  .tuple(fc.oneof(call, modern, answer, batch), broken)
  .map(([whole, breakIt]) => breakIt(Buffer.from(whole)));

/** @param maxBytes the limit of the door, which some go over */
export function fuzzBytes(maxBytes: number): fc.Arbitrary<Buffer> {
  const encoded = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
    arbitrary.map((whole) => Buffer.from(whole));
  const oversized = fc
    .tuple(call, fc.integer({ min: maxBytes - 10, max: maxBytes + 1_000 }), fc.constantFrom(' ', '[', '"', '{"a":'))
    .map(([whole, length, filler]) => Buffer.from(whole.padEnd(length, filler)));
  return fc.oneof(
    { weight: 20, arbitrary: encoded(call) },
    { weight: 15, arbitrary: encoded(modern) },
    { weight: 1, arbitrary: encoded(listen) },
    { weight: 30, arbitrary: mutated },
    { weight: 8, arbitrary: encoded(batch) },
    { weight: 6, arbitrary: encoded(answer) },
    { weight: 6, arbitrary: encoded(junk) },
    { weight: 5, arbitrary: encoded(enormous) },
    { weight: 4, arbitrary: encoded(fc.tuple(call, call).map((two) => two.join(''))) },
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: oversized },
  );
}
