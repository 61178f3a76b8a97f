import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { DispatchWorld, TestExchange } from '../../test/support/dispatch-world.js';
import { ERROR_CODES, type ErrorKind, ProtocolError, ToolError } from '../common/index.js';
import { Prompt } from '../prompts/index.js';
import { SerializedResult } from '../protocol/index.js';
import { errorReply, successReply } from './reply.js';
import { ConnectionCalls } from './running-calls.js';

const kinds = Object.keys(ERROR_CODES) as ErrorKind[];

describe('errorReply', () => {
  it.each(kinds)('D-4 gives %s its number in each era', (kind) => {
    for (const era of ['legacy', 'modern'] as const) {
      const reply = errorReply(5, { kind, message: 'words' }, { era, requestId: 'req-1' });
      expect(JSON.parse(reply.text)).toEqual({
        jsonrpc: '2.0',
        id: 5,
        error: { code: ERROR_CODES[kind][era], message: 'words', data: { kind, requestId: 'req-1' } },
      });
      expect(reply.kind).toBe(kind);
    }
  });

  it('D-4 tells of a message whose id could not be read: null in the legacy era, left out in the modern one', () => {
    const failure = { kind: 'parse_error', message: 'Parse error' } as const;
    expect(JSON.parse(errorReply(null, failure, { era: 'legacy' }).text)).toHaveProperty('id', null);
    expect(JSON.parse(errorReply(null, failure, { era: 'modern' }).text)).not.toHaveProperty('id');
    expect(JSON.parse(errorReply(0, failure, { era: 'modern' }).text)).toHaveProperty('id', 0);
  });

  it('carries what the error carries', () => {
    const failure = { kind: 'rate_limited', message: 'x', data: { retryAfterMs: 5, more: [1] } } as const;
    const reply = errorReply(null, failure);
    expect(JSON.parse(reply.text)).toMatchObject({
      id: null,
      error: { data: { kind: 'rate_limited', retryAfterMs: 5, more: [1] } },
    });
    expect(reply.retryAfterMs).toBe(5);
    expect(errorReply(null, { ...failure, data: { retryAfterMs: 'soon' } }).retryAfterMs).toBeUndefined();
  });

  it('tells faults of the message from faults of what it asks for', () => {
    const faults = (era: 'legacy' | 'modern'): ErrorKind[] =>
      kinds.filter((kind) => errorReply(1, { kind, message: '' }, { era }).isEnvelopeFault);
    for (const kind of [
      'parse_error',
      'invalid_request',
      'rate_limited',
      'session_not_found',
      'auth_required',
    ] as const) {
      expect(faults('legacy')).toContain(kind);
      expect(faults('modern')).toContain(kind);
    }
    for (const kind of ['internal', 'unknown_tool', 'invalid_params', 'timeout', 'resource_not_found'] as const) {
      expect(faults('modern')).not.toContain(kind);
    }
    expect(
      faults('modern')
        .filter((kind) => !faults('legacy').includes(kind))
        .sort(),
    ).toEqual(['header_mismatch', 'invalid_envelope', 'method_not_found', 'missing_capability']);
  });

  it('successReply takes an object, or what was serialised beforehand', () => {
    expect(successReply('a', { b: 1 })).toEqual({ text: '{"jsonrpc":"2.0","id":"a","result":{"b":1}}' });
    expect(successReply('a', new SerializedResult('{"b":1}')).text).toBe(successReply('a', { b: 1 }).text);
  });
});

@Injectable()
class OddErrors {
  @Prompt()
  oddKind(): never {
    throw new ToolError('Words for the caller', { kind: 'of_our_own' as never });
  }

  @Prompt()
  inherited(): never {
    throw new ToolError('Words for the caller', { kind: 'toString' as never });
  }

  @Prompt()
  noJson(): never {
    throw new ProtocolError('invalid_params', 'Words', { data: { big: 1n } });
  }

  @Prompt()
  circle(): object {
    const messages: unknown[] = [];
    messages.push({ messages });
    return { messages };
  }
}

describe('an error that nobody foresaw', () => {
  let world: DispatchWorld;
  let exchange: TestExchange;

  beforeEach(async () => {
    for (const level of ['log', 'debug', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
    world = await DispatchWorld.open({ providers: [OddErrors] });
    exchange = await world.connect();
  });

  afterEach(async () => {
    await world.close();
    jest.restoreAllMocks();
  });

  it.each(['oddKind', 'inherited'])('is answered, whatever its kind: %s', async (name) => {
    expect((await world.ask('prompts/get', { name }, exchange)).error).toMatchObject({
      code: -32603,
      message: 'Words for the caller',
    });
  });

  it.each(['noJson', 'circle'])('is answered, whatever it carries: %s', async (name) => {
    expect((await world.ask('prompts/get', { name }, exchange)).error).toMatchObject({
      code: -32603,
      message: 'Internal error',
      data: { kind: 'internal' },
    });
    expect((await world.ask('ping', {}, exchange)).result).toEqual({});
  });
});

describe('ConnectionCalls', () => {
  const call = () => ({ abort: jest.fn() });

  it('knows what runs, by ids of any kind', () => {
    const calls = new ConnectionCalls();
    const [one, two, three] = [call(), call(), call()];
    calls.begin(0, one);
    calls.begin('0', two);
    calls.begin('', three);
    expect([calls.runningCount, calls.isRunning(0), calls.isRunning('0'), calls.isRunning('')]).toEqual([
      3,
      true,
      true,
      true,
    ]);
    expect(() => calls.begin(0, call())).toThrow(expect.objectContaining({ kind: 'duplicate_request_id' }));
    expect(() => calls.begin('', call())).toThrow(expect.objectContaining({ kind: 'duplicate_request_id' }));
    calls.finish(0);
    expect([calls.runningCount, calls.isRunning(0)]).toEqual([2, false]);
    calls.begin(0, one);
    calls.finish('0');
    calls.finish('gone');
    expect([calls.runningCount, calls.isRunning('0'), calls.isRunning(0)]).toEqual([2, false, true]);
    expect(calls.cancel('', 'enough')).toBe(true);
    expect(three.abort).toHaveBeenCalledWith(
      expect.objectContaining({ kind: 'cancelled', message: 'Cancelled: enough' }),
    );
    expect(calls.cancel('gone', 'x')).toBe(false);
    expect(one.abort).not.toHaveBeenCalled();
  });

  it('ends all when the connection is gone', () => {
    const calls = new ConnectionCalls();
    const all = [call(), call(), call()];
    all.forEach((one, id) => calls.begin(id, one));
    calls.cancelAll('gone');
    for (const { abort } of all) expect(abort).toHaveBeenCalledTimes(1);
    new ConnectionCalls().cancelAll('nothing runs');
  });
});
