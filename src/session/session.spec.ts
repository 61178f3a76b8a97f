import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type GatehouseError, ProtocolError } from '../common/index.js';
import { ClientCapabilities } from './capabilities.js';
import { SessionOwner } from './session-owner.js';
import { hashOfId, MAX_SUBSCRIPTIONS, Session, type SessionParts, type SessionWatch } from './session.js';

describe('Session', () => {
  const watch = {
    becameBusy: jest.fn<SessionWatch['becameBusy']>(),
    becameIdle: jest.fn<SessionWatch['becameIdle']>(),
  };
  const session = (parts: Partial<SessionParts> = {}) =>
    new Session({
      key: '00ff',
      id: 'sealed',
      owner: new SessionOwner<Session>('iss', 'sub'),
      watch,
      revision: '2025-11-25',
      capabilities: ClientCapabilities.of(0),
      issuedAt: 1,
      expiresAt: 2,
      lastSeenAt: 1,
      ...parts,
    });
  const call = () => ({ abort: jest.fn<(cause: GatehouseError) => void>() });
  const calls = () => [watch.becameBusy.mock.calls.length, watch.becameIdle.mock.calls.length];

  beforeEach(() => void Logger.overrideLogger(false));
  afterEach(() => {
    Logger.overrideLogger(undefined as never);
    jest.clearAllMocks();
  });

  it('is bound to issuer and subject', () => {
    expect([session().issuer, session().subject]).toEqual(['iss', 'sub']);
  });

  it('D-7 shows a hash in place of its id', () => {
    const one = session();
    expect(one.idHash).toMatch(/^[0-9a-f]{16}$/);
    expect(one.idHash).toBe(hashOfId('sealed'));
    expect(session({ id: undefined }).idHash).toBe(hashOfId('00ff'));
  });

  it('S3-5 keeps the running calls until they finish', () => {
    const one = session();
    one.begin(1, call());
    one.begin('1', call());
    expect([one.runningCount, one.isRunning(1), one.isRunning('1'), one.isRunning(2)]).toEqual([2, true, true, false]);
    one.finish(2);
    one.finish(1);
    expect([one.runningCount, one.isBusy, calls()]).toEqual([1, true, [1, 0]]);
    one.finish('1');
    one.finish('1');
    expect([one.runningCount, one.isBusy, calls()]).toEqual([0, false, [1, 1]]);
  });

  it('refuses a second call with the id of a running one', () => {
    const one = session();
    one.begin(1, call());
    expect(() => one.begin(1, call())).toThrow(expect.objectContaining({ kind: 'duplicate_request_id' }));
  });

  it('S3-7 cancels one call at the wish of the client', () => {
    const one = session();
    const running = call();
    one.begin(1, running);
    expect(one.cancel(2, 'why')).toBe(false);
    expect(one.cancel(1, 'changed my mind')).toBe(true);
    expect(running.abort).toHaveBeenCalledWith(new ProtocolError('cancelled', 'Cancelled: changed my mind'));
    expect(one.isRunning(1)).toBe(true);
  });

  it('S3-12 cancels all its calls and says how many: none in an empty session', () => {
    const one = session();
    const cause = new ProtocolError('cancelled', 'x');
    expect(one.cancelAll(cause)).toBe(0);
    const running = [call(), call()];
    running.forEach((it, i) => one.begin(i, it));
    expect(one.cancelAll(cause)).toBe(2);
    for (const { abort } of running) expect(abort).toHaveBeenCalledWith(cause);
  });

  it('W-21 counts open streams, and is busy while there is one', () => {
    const one = session();
    const close = jest.fn();
    const first = one.attachStream(close);
    const second = one.attachStream(close);
    expect([one.streamCount, one.isBusy, calls()]).toEqual([2, true, [1, 0]]);
    first();
    first();
    expect([one.streamCount, one.isBusy]).toEqual([1, true]);
    one.begin(1, call());
    second();
    expect([one.streamCount, one.isBusy, calls()]).toEqual([0, true, [1, 0]]);
    one.finish(1);
    expect([one.isBusy, calls()]).toEqual([false, [1, 1]]);
  });

  it('is busy as long as its connection, when it is bound to one', () => {
    const one = session({ id: undefined });
    one.begin(1, call());
    one.finish(1);
    one.attachStream(() => undefined)();
    expect([one.isBusy, calls()]).toEqual([true, [0, 0]]);
  });

  it('S3-6 aborts calls and closes streams when it ends, and lets nothing start after', () => {
    const one = session();
    const running = call();
    const text: unknown = 'no error';
    running.abort.mockImplementation(() => {
      one.finish(1);
      // What others throw is not ours to choose.
      throw text as Error;
    });
    const release = one.attachStream(() => {
      release();
      throw new Error('a bad stream');
    });
    const close = jest.fn();
    one.attachStream(close);
    one.begin(1, running);
    expect(one.close('deleted')).toBe(1);
    expect(running.abort).toHaveBeenCalledWith(expect.objectContaining({ kind: 'cancelled' }));
    expect(close).toHaveBeenCalledWith('deleted');
    expect([one.isEnded, one.runningCount, one.streamCount, calls()]).toEqual([true, 0, 0, [1, 0]]);
    expect(() => one.begin(2, call())).toThrow(expect.objectContaining({ kind: 'session_not_found' }));
    const late = jest.fn();
    one.attachStream(late)();
    expect(late).toHaveBeenCalledWith('deleted');
  });

  it('tells its calls apart whether the session or the server ends', () => {
    const one = session();
    const running = call();
    one.begin(1, running);
    one.close('shutdown');
    expect(running.abort).toHaveBeenCalledWith(expect.objectContaining({ kind: 'shutting_down' }));
  });

  it('keeps log level and subscriptions, and knows when its record is behind', () => {
    const one = session({ logLevel: 'error', subscriptions: ['a://1'] });
    expect([one.logLevel, [...one.subscriptions], one.isDirty]).toEqual(['error', ['a://1'], false]);
    one.unsubscribe('a://2');
    expect(one.isDirty).toBe(false);
    one.logLevel = 'debug';
    expect([one.logLevel, one.isDirty]).toEqual(['debug', true]);
    one.isDirty = false;
    one.subscribe('a://2');
    expect([[...one.subscriptions], one.isDirty]).toEqual([['a://1', 'a://2'], true]);
    one.isDirty = false;
    one.unsubscribe('a://1');
    one.unsubscribe('a://2');
    expect([[...one.subscriptions], one.isDirty]).toEqual([[], true]);
    expect(session({ subscriptions: [] }).subscriptions.size).toBe(0);
  });

  it('limits subscriptions', () => {
    const one = session();
    for (let i = 0; i < MAX_SUBSCRIPTIONS; i++) one.subscribe(`a://${i}`);
    one.subscribe('a://0');
    expect(() => one.subscribe('a://more')).toThrow(expect.objectContaining({ kind: 'invalid_params' }));
  });
});
