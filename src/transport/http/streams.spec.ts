import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { AppConfig } from '../../config/index.js';
import type { LegacyRevision } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import { LocalBus } from '../../store/bus.js';
import { NoEventLog } from '../../store/event-log.js';
import { Replica } from '../../store/index.js';
import { EventStream } from './event-stream.js';
import { ResumableStream } from './resumable-stream.js';
import { StreamLogs } from './stream-logs.js';
import { StreamPeers } from './stream-peers.js';

/** A response whose reader takes what the test lets it take. */
class SlowResponse {
  written = '';
  writableLength = 0;
  destroyed = false;
  writableEnded = false;
  head: unknown[] = [];
  isSlow = false;

  writeHead(...head: unknown[]): void {
    this.head = head;
  }

  flushHeaders(): void {
    this.head.push('flushed');
  }

  write(text: string): void {
    this.written += text;
    if (this.isSlow) this.writableLength += text.length;
  }

  end(): void {
    this.writableEnded = true;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

const opened = (maxBufferedBytes = 100): { res: SlowResponse; stream: EventStream } => {
  const res = new SlowResponse();
  return { res, stream: EventStream.open(res as unknown as ServerResponse, maxBufferedBytes) };
};

describe('EventStream', () => {
  it('opens with the headers of events, at once', () => {
    const { res } = opened();
    expect(res.head).toEqual([
      200,
      { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' },
      'flushed',
    ]);
  });

  it('writes events, with ids where they have one', () => {
    const { res, stream } = opened();
    stream.prime('s-0');
    stream.message('{"a":1}');
    stream.message('{"a":2}', 's-1');
    stream.comment();
    stream.retryAfter(500);
    expect(res.written).toBe(
      'id: s-0\ndata: \n\nevent: message\ndata: {"a":1}\n\nid: s-1\nevent: message\ndata: {"a":2}\n\n: keep-alive\n\nretry: 500\n\n',
    );
  });

  it('S0-13 cuts off a reader that is too slow, and not one that keeps up', () => {
    const { res, stream } = opened(100);
    for (let i = 0; i < 100; i++) stream.message('x'.repeat(50));
    expect(stream.isOpen).toBe(true);
    res.isSlow = true;
    stream.message('x'.repeat(50));
    expect(stream.isOpen).toBe(true);
    stream.message('x'.repeat(50));
    expect([res.destroyed, stream.isOpen]).toEqual([true, false]);
    const before = res.written;
    stream.message('more');
    stream.end();
    expect([res.written, res.writableEnded]).toEqual([before, false]);
  });

  it('writes nothing once it was ended', () => {
    const { res, stream } = opened();
    stream.end();
    stream.end();
    stream.message('late');
    expect([res.written, stream.isOpen]).toEqual(['', false]);
  });
});

describe('ResumableStream', () => {
  let now: number;
  let sizes: number[];
  const streamOf = (primes = true, retention = { maxEvents: 3, maxAgeMs: 1_000 }): ResumableStream =>
    new ResumableStream({ id: 's', primes, retention, now: () => now, onSize: (chars) => sizes.push(chars) });
  const idsOf = ({ written }: SlowResponse): string[] =>
    [...written.matchAll(/^id: \S+-(\d+)$/gm)].map(([, n]) => n ?? '');
  const dataOf = ({ written }: SlowResponse): string[] =>
    [...written.matchAll(/^data: (.+)$/gm)].map(([, text]) => text ?? '');

  beforeEach(() => {
    now = 0;
    sizes = [];
  });

  it('D-6 gives who comes back the rest, and nothing twice', () => {
    const stream = streamOf();
    const first = opened();
    stream.open(first.stream);
    stream.message('a');
    stream.message('b');
    stream.message('c');
    expect([idsOf(first.res), dataOf(first.res)]).toEqual([
      ['0', '1', '2', '3'],
      ['a', 'b', 'c'],
    ]);
    for (const [after, rest] of [
      [0, ['a', 'b', 'c']],
      [1, ['b', 'c']],
      [3, []],
      [9, []],
    ] as const) {
      const next = opened();
      stream.resume(next.stream, after);
      expect(dataOf(next.res)).toEqual(rest);
    }
    expect(first.res.writableEnded).toBe(true);
    const last = opened();
    stream.resume(last.stream, 3);
    stream.message('d');
    expect([idsOf(last.res), dataOf(last.res)]).toEqual([['4'], ['d']]);
  });

  it('tells clients that know it not of an event without a message', () => {
    const stream = streamOf(false);
    const { res, stream: sink } = opened();
    stream.open(sink);
    stream.release();
    expect([res.written, res.writableEnded, stream.isAttached]).toEqual(['', false, true]);
  });

  it('sends a client away, and keeps what comes meanwhile', () => {
    const stream = streamOf();
    const first = opened();
    stream.open(first.stream);
    stream.release();
    expect([first.res.written.endsWith('retry: 500\n\n'), first.res.writableEnded, stream.isAttached]).toEqual([
      true,
      true,
      false,
    ]);
    stream.message('a');
    stream.comment();
    const next = opened();
    stream.resume(next.stream, 0);
    expect(dataOf(next.res)).toEqual(['a']);
  });

  it('ends with its work, and is there for whoever comes for the end', () => {
    const stream = streamOf();
    stream.message('a');
    stream.end();
    expect(stream.hasEnded).toBe(true);
    const late = opened();
    stream.resume(late.stream, 0);
    expect([dataOf(late.res), late.res.writableEnded]).toEqual([['a'], true]);
    const direct = streamOf();
    const { res, stream: sink } = opened();
    direct.open(sink);
    direct.end();
    expect(res.writableEnded).toBe(true);
  });

  it('S0-13 keeps so many events, so long, and tells how much that is', () => {
    const stream = streamOf();
    for (const text of ['aa', 'bbb', 'c', 'dddd']) stream.message(text);
    expect([stream.size, sizes.reduce((sum, n) => sum + n, 0)]).toEqual([8, 8]);
    const next = opened();
    stream.resume(next.stream, 0);
    expect(dataOf(next.res)).toEqual(['bbb', 'c', 'dddd']);
    now = 900;
    stream.message('e');
    now = 1_001;
    stream.forget(now);
    expect(stream.size).toBe(1);
    stream.dropAll();
    expect([stream.size, sizes.reduce((sum, n) => sum + n, 0)]).toEqual([0, 0]);
    stream.dropOldest();
    stream.keepNothing();
    stream.message('f');
    expect(stream.size).toBe(0);
  });

  it('is spent when nobody came back for as long as anyone could', () => {
    const stream = streamOf();
    const { res, stream: sink } = opened();
    stream.open(sink);
    now = 5_000;
    expect(stream.isSpent(now)).toBe(false);
    res.destroyed = true;
    expect(stream.isSpent(now)).toBe(false);
    now = 5_999;
    expect(stream.isSpent(now)).toBe(false);
    now = 6_000;
    expect(stream.isSpent(now)).toBe(true);
  });
});

describe('StreamLogs', () => {
  const clock = new FakeClock();
  const sessionOf = (revision: LegacyRevision = '2025-11-25'): Session =>
    ({ revision, isEnded: false }) as unknown as Session;
  const logsOf = (): StreamLogs =>
    new StreamLogs(
      AppConfig.of({ limits: { maxInFlight: 1 }, sessions: { resumeMs: 1_000 } }),
      clock,
      new NoEventLog(),
      new StreamPeers(new LocalBus(), new Replica()),
    );

  it('D-6 find a stream by an event of it, in its own session', () => {
    const logs = logsOf();
    const [mine, other] = [sessionOf(), sessionOf()];
    const stream = logs.create(mine);
    stream.message('a');
    logs.create(other);
    const { res, stream: sink } = opened();
    expect(logs.resume(`${stream.id}-0`, mine, sink)).toBe(stream);
    expect(res.written).toContain('data: a');
    for (const [id, session] of [
      [`${stream.id}-0`, other],
      [`${stream.id}-0`, sessionOf()],
      [`${stream.id}-x`, mine],
      [`${stream.id}-1.5`, mine],
      [stream.id, mine],
      ['', mine],
      ['-', mine],
      ['__proto__-0', mine],
    ] as const) {
      expect(logs.resume(id, session, opened().stream)).toBeUndefined();
    }
  });

  it('forget what is too old, and what was of a session that ended', () => {
    const logs = logsOf();
    const [one, other] = [sessionOf(), sessionOf()];
    const stream = logs.create(one);
    stream.message('a');
    logs.create(other);
    expect(logs.count).toBe(2);
    Object.assign(other, { isEnded: true });
    logs.sweep();
    expect(logs.count).toBe(1);
    clock.advance(1_000);
    logs.sweep();
    expect([logs.count, stream.size]).toEqual([0, 0]);
  });

  it('W-39 keep so many streams of one session, those that run above all', () => {
    const logs = logsOf();
    const session = sessionOf();
    const running = logs.create(session);
    const ended = Array.from({ length: 100 }, () => {
      const stream = logs.create(session);
      stream.message('x');
      stream.end();
      return stream;
    });
    expect(logs.count).toBe(33);
    expect(logs.resume(`${running.id}-0`, session, opened().stream)).toBe(running);
    expect(logs.resume(`${ended.at(-1)?.id}-0`, session, opened().stream)).toBe(ended.at(-1));
    expect(logs.resume(`${ended[0]?.id}-0`, session, opened().stream)).toBeUndefined();
  });

  it('S0-13 keep so much for one session, and so much for all, whoever holds most giving it up', () => {
    const logs = logsOf();
    const [small, greedy] = [sessionOf(), sessionOf()];
    const modest = logs.create(small);
    modest.message('kept');
    const streams = [logs.create(greedy), logs.create(greedy)];
    const megabyte = 'x'.repeat(1_048_576);
    for (let i = 0; i < 10; i++) for (const stream of streams) stream.message(megabyte);
    const held = streams.reduce((sum, { size }) => sum + size, 0);
    expect(held).toBeLessThanOrEqual(8_388_608);
    const others = Array.from({ length: 6 }, () => logs.create(sessionOf()));
    for (const stream of others) for (let i = 0; i < 8; i++) stream.message(megabyte);
    const all = [...streams, ...others, modest].reduce((sum, { size }) => sum + size, 0);
    expect(all).toBeLessThanOrEqual(33_554_432);
    expect(modest.size).toBe(4);
  });

  it('prime the streams of a revision that knows it', () => {
    const logs = logsOf();
    for (const [revision, isPrimed] of [
      ['2025-11-25', true],
      ['2025-06-18', false],
    ] as const) {
      const { res, stream } = opened();
      logs.create(sessionOf(revision)).open(stream);
      expect(res.written.startsWith('id: ')).toBe(isPrimed);
    }
  });
});
