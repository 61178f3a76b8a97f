import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES, type ErrorCode, type ErrorKind } from './error-codes.js';
import { GatehouseError, isGatehouseError, ProtocolError, ToolError } from './gatehouse-error.js';
import { EXIT, StartError } from './start-error.js';

/** A second copy of the module, as a plug-in brings one with its own copy of the package. */
const COPY = './gatehouse-error?copy';
const copy = (await import(COPY)) as typeof import('./gatehouse-error.js');

const rows = Object.entries(ERROR_CODES) as [ErrorKind, ErrorCode][];
const RESERVED = { from: -32_768, to: -32_000 };
/** What the specification of 2026-07-28 gives numbers to. */
const SPECIFIED = new Set([-32_700, -32_600, -32_601, -32_602, -32_603, -32_020, -32_021, -32_022]);
/** What never leaves the server as an error, and has numbers only to be complete. */
const INTERNAL: ReadonlySet<ErrorKind> = new Set(['input_required']);

describe('ERROR_CODES', () => {
  it.each<[ErrorKind, number]>([
    ['parse_error', -32700],
    ['invalid_request', -32600],
    ['message_too_large', -32600],
    ['forbidden_key', -32600],
    ['method_not_found', -32601],
    ['invalid_params', -32602],
    ['unknown_tool', -32602],
    ['internal', -32603],
    ['rate_limited', -32000],
    ['auth_required', -32000],
    ['auth_failed', -32000],
    ['server_busy', -32000],
    ['shutting_down', -32000],
    ['timeout', -32001],
    ['resource_not_found', -32002],
    ['cancelled', -32800],
  ])('6.2 %s is %d in the revisions of 2025', (kind, code) => {
    expect(ERROR_CODES[kind].legacy).toBe(code);
  });

  it.each<[ErrorKind, number]>([
    ['parse_error', 400],
    ['auth_required', 401],
    ['permission_denied', 403],
    ['tool_disabled', 403],
    ['forbidden_origin', 403],
    ['session_not_found', 404],
    ['unknown_tool', 404],
    ['method_not_allowed', 405],
    ['not_acceptable', 406],
    ['request_timeout', 408],
    ['message_too_large', 413],
    ['unsupported_media_type', 415],
    ['rate_limited', 429],
    ['internal', 500],
    ['session_limit', 503],
    ['shutting_down', 503],
    ['timeout', 504],
  ])('6.4 %s is HTTP %d', (kind, status) => {
    expect(ERROR_CODES[kind].http).toBe(status);
  });

  it.each(rows)('D-4 %s has a name in snake_case, numbers of both eras, and a sentence', (kind, code) => {
    expect(kind).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(Number.isInteger(code.legacy) && code.legacy < 0).toBe(true);
    const isReserved = code.modern >= RESERVED.from && code.modern <= RESERVED.to;
    expect(isReserved).toBe(SPECIFIED.has(code.modern));
    if (!INTERNAL.has(kind)) expect(code.http >= 400 && code.http <= 599).toBe(true);
    expect(code.when).toMatch(/^[A-Z`].*\.$/);
  });

  it('D-4 gives each kind of our own a number of its own', () => {
    const own = rows.map(([, { modern }]) => modern).filter((code) => !SPECIFIED.has(code));
    expect(new Set(own).size).toBe(own.length);
  });

  it('D-4 what is not found is -32602 in 2026-07-28', () => {
    for (const kind of ['unknown_tool', 'unknown_prompt', 'resource_not_found'] as const) {
      expect(ERROR_CODES[kind].modern).toBe(-32602);
    }
    expect(ERROR_CODES.unsupported_revision.modern).toBe(-32022);
  });

  it('may be tried again, where waiting helps', () => {
    const retryable = rows.filter(([, code]) => code.retryable).map(([kind]) => kind);
    expect(retryable.sort()).toEqual([
      'audit_unavailable',
      'auth_unavailable',
      'blocked',
      'breaker_open',
      'connection_limit',
      'quarantined',
      'rate_limited',
      'read_only',
      'request_timeout',
      'server_busy',
      'session_limit',
      'shutting_down',
      'store_unavailable',
      'timeout',
    ]);
  });
});

describe('GatehouseError', () => {
  it('knows its family, kind, name, data and cause', () => {
    const cause = new Error('why');
    const protocol = new ProtocolError('rate_limited', 'Rate limit exceeded', { cause, data: { retryAfterMs: 5 } });
    expect(protocol).toMatchObject({
      family: 'protocol',
      kind: 'rate_limited',
      name: 'ProtocolError',
      message: 'Rate limit exceeded',
      data: { retryAfterMs: 5 },
      cause,
    });
    const tool = new ToolError('No such city');
    expect(tool).toMatchObject({ family: 'tool', kind: 'tool_failed', name: 'ToolError', data: undefined });
    expect('cause' in tool).toBe(false);
    expect(new ToolError('late', { kind: 'timeout' }).kind).toBe('timeout');
    expect([protocol, tool].every((error) => error instanceof Error && error instanceof GatehouseError)).toBe(true);
  });

  it('keeps a cause that is undefined', () => {
    expect('cause' in new ToolError('x', { cause: undefined })).toBe(true);
  });

  it('is known by its brand, also across two copies of the package', () => {
    expect(copy.ToolError).not.toBe(ToolError);
    const foreign = new copy.ToolError('No such city');
    expect(foreign instanceof ToolError).toBe(false);
    expect([isGatehouseError(foreign), copy.isGatehouseError(new ProtocolError('internal', 'x'))]).toEqual([
      true,
      true,
    ]);
    expect([foreign.family, foreign.kind, foreign.name]).toEqual(['tool', 'tool_failed', 'ToolError']);
  });

  it.each([[new Error('x')], [{ kind: 'internal', family: 'tool' }], [null], [undefined], ['text'], [() => 1]])(
    'takes no other value for one: %p',
    (value) => {
      expect(isGatehouseError(value)).toBe(false);
    },
  );

  it('has the name of a class derived from it', () => {
    class CityNotFound extends ToolError {}
    expect(new CityNotFound('x').name).toBe('CityNotFound');
    expect(isGatehouseError(new CityNotFound('x'))).toBe(true);
  });
});

describe('StartError', () => {
  it('K-24 tells every fault at once', () => {
    const error = new StartError('It cannot start.', ['one', 'two'], EXIT.config);
    expect([error.message, error.exitCode, error.name]).toEqual([
      'It cannot start.\n  - one\n  - two',
      78,
      'StartError',
    ]);
  });

  it('K-35 is fatal unless it says otherwise', () => {
    const error = new StartError('It cannot start.');
    expect([error.message, error.exitCode, error.faults]).toEqual(['It cannot start.', 1, []]);
    expect(EXIT).toEqual({ ok: 0, fatal: 1, usage: 64, config: 78 });
  });
});
