import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { FakeClock } from '../../test/support/fake-clock.js';
import { callScope, OPERATOR, RecordingClient } from '../../test/support/tool-world.js';
import { ProtocolError, ToolError } from '../common/index.js';
import { ScopedCallContext } from './call-context.js';
import { Deadlines } from './deadlines.js';

const gone = new ProtocolError('cancelled', 'gone');
const late = new ToolError('late', { kind: 'timeout' });

describe('CallScope', () => {
  it('is ended by whoever comes first, once', () => {
    const scope = callScope();
    expect([scope.aborted, scope.isHeard]).toEqual([undefined, true]);
    scope.abort(gone);
    scope.abort(late);
    scope.cancel('too late');
    expect([scope.aborted, scope.signal.reason, scope.isHeard]).toEqual([gone, gone, false]);
  });

  it('W-19 tells its signal, asked for before or after', () => {
    const before = callScope();
    const { signal } = before;
    const heard = jest.fn();
    signal.addEventListener('abort', heard);
    expect(signal.aborted).toBe(false);
    before.abort(late);
    expect([signal.aborted, signal.reason, heard.mock.calls.length]).toEqual([true, late, 1]);
    expect(before.signal).toBe(signal);
    const after = callScope();
    after.abort(late);
    expect([after.signal.aborted, after.signal.reason]).toEqual([true, late]);
  });

  it('is cancelled with the words of the caller', () => {
    const scope = callScope();
    scope.cancel('changed my mind');
    expect(scope.aborted).toMatchObject({ kind: 'cancelled', message: 'Cancelled: changed my mind' });
  });

  it('waits for the work, and hands on how it ended', async () => {
    await expect(callScope().outlast(Promise.resolve(1))).resolves.toBe(1);
    await expect(callScope().outlast(Promise.reject(late))).rejects.toBe(late);
    const thenable: PromiseLike<string> = { then: (done) => Promise.resolve('x').then(done) };
    await expect(callScope().outlast(thenable)).resolves.toBe('x');
  });

  it('leaves work behind that ignores its signal, and drops what becomes of it', async () => {
    const scope = callScope();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<string>((_resolve, reject) => (fail = reject));
    const outlasted = scope.outlast(work);
    scope.abort(gone);
    await expect(outlasted).rejects.toBe(gone);
    // Nobody is left to handle this, and nobody needs to.
    fail(new Error('afterwards'));
    await expect(work).rejects.toThrow('afterwards');
  });

  it('does not wait at all once it was ended', async () => {
    const scope = callScope();
    scope.abort(gone);
    await expect(scope.outlast(new Promise(() => undefined))).rejects.toBe(gone);
    const failed = Promise.reject(new Error('x'));
    await expect(scope.outlast(failed)).rejects.toBe(gone);
  });

  it('is not heard once it was answered, though it still can be ended', () => {
    const scope = callScope();
    scope.close();
    expect(scope.isHeard).toBe(false);
    scope.abort(gone);
    expect(scope.signal.aborted).toBe(true);
  });

  it('tells its deadline in wall time', () => {
    const clock = new FakeClock(10_000);
    const scope = callScope();
    expect(scope.deadline(clock)).toBe(Number.POSITIVE_INFINITY);
    new Deadlines(clock).watch(scope, 500);
    clock.advance(100);
    expect(scope.deadline(clock)).toBe(10_500);
  });
});

describe('Deadlines', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('K-30 ends a call when its time is up, and not before', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const [short, long] = [callScope(), callScope()];
    deadlines.watch(short, 100);
    deadlines.watch(long, 200);
    clock.advance(99.5);
    deadlines.sweep();
    expect([short.aborted, long.aborted, deadlines.size]).toEqual([undefined, undefined, 2]);
    clock.advance(0.5);
    deadlines.sweep();
    expect(short.aborted).toMatchObject({
      kind: 'timeout',
      family: 'tool',
      message: 'The deadline passed before the work was done.',
    });
    expect([long.aborted, deadlines.size]).toEqual([undefined, 1]);
  });

  it('forgets a call that is done', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const scope = callScope();
    deadlines.watch(scope, 100);
    deadlines.forget(scope);
    clock.advance(1_000);
    deadlines.sweep();
    expect([scope.aborted, deadlines.size]).toEqual([undefined, 0]);
  });

  it('sweeps every 50 ms with one timer, until the end', () => {
    jest.useFakeTimers();
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    deadlines.onModuleInit();
    const scope = callScope();
    deadlines.watch(scope, 10);
    clock.advance(50);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(50);
    expect(scope.aborted?.kind).toBe('timeout');
    deadlines.onApplicationShutdown();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('ScopedCallContext', () => {
  it('is a view of the call', () => {
    const clock = new FakeClock(10_000);
    const scope = callScope({ requestId: 'req-7' });
    new Deadlines(clock).watch(scope, 500);
    const context = new ScopedCallContext(scope, clock);
    expect(context).toMatchObject({ principal: OPERATOR, requestId: 'req-7', deadline: 10_500 });
    expect(context.signal).toBe(scope.signal);
  });

  it('sends progress and log messages, as long as somebody listens', () => {
    const reply = new RecordingClient();
    const scope = callScope({ client: reply });
    const context = new ScopedCallContext(scope, new FakeClock());
    context.progress(1, 2, 'half');
    context.progress(2);
    context.log('info', { a: 1 }, 'mine');
    const sent = [
      ['progress', 1, 2, 'half'],
      ['progress', 2, undefined, undefined],
      ['log', 'info', { a: 1 }, 'mine'],
    ];
    expect(reply.sent).toEqual(sent);
    scope.abort(gone);
    context.progress(3);
    context.log('error', 'x');
    expect(reply.sent).toEqual(sent);
  });

  it('sends nothing after the answer', () => {
    const reply = new RecordingClient();
    const scope = callScope({ client: reply });
    const context = new ScopedCallContext(scope, new FakeClock());
    scope.close();
    context.progress(1);
    context.log('error', 'x');
    expect(reply.sent).toEqual([]);
  });

  it('sends no progress to whom did not ask for it', () => {
    const reply = new RecordingClient(false);
    const context = new ScopedCallContext(callScope({ client: reply }), new FakeClock());
    context.progress(1);
    context.log('debug', 'x');
    expect(reply.sent).toEqual([['log', 'debug', 'x', undefined]]);
  });
});
