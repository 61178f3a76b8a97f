import { describe, expect, it } from '@jest/globals';
import { CALL_KINDS, type CallKind, type CallStory } from './call-story.js';
import type { ExecutionLine } from './execution.js';
import { judge, type Tally } from './tally.js';

const kindOf = (name: string): CallKind => CALL_KINDS.find((kind) => kind.name === name) as CallKind;
const PLAIN = kindOf('2025 plain');
const IDEMPOTENT = kindOf('2025 keyed, idempotent');
const ONCE = kindOf('2026 keyed, not idempotent');
const STREAM = kindOf('2025 stream');

const story = (kind: CallKind, more: Partial<CallStory> = {}): CallStory => ({
  call: 'c',
  kind,
  runMs: 100,
  askedAt: 0,
  mostAnswers: 1,
  outcome: 'result',
  answeredAt: 100,
  attempts: 1,
  moves: 0,
  resumes: 0,
  ...more,
});
const lost: Partial<CallStory> = { outcome: 'none', mostAnswers: 0 };

const begin = (pid: number): ExecutionLine => ({ what: 'begin', call: 'c', pid });
const end = (pid: number): ExecutionLine => ({ what: 'end', call: 'c', pid });
const cut = (pid: number): ExecutionLine => ({ what: 'cut', call: 'c', pid });
const gone = (pid: number): ExecutionLine => ({ what: 'gone', pid });
const tick = (at: number): ExecutionLine => ({ what: 'tick', at });

const tally = (of: CallStory, lines: readonly ExecutionLine[]): Tally => judge([of], lines).all;
const ranOnce = [tick(0), begin(1), end(1), tick(1_000)];

describe('judge', () => {
  it('counts a call that was answered once and ran once as nothing else', () => {
    expect(tally(story(PLAIN), ranOnce)).toEqual({
      sent: 1,
      answered: 1,
      answeredTwice: 0,
      lost: 0,
      lostFromLog: 0,
      executedTwice: 0,
      runAgain: 0,
      outcomeUnknown: 0,
      failed: 0,
      late: 0,
      moved: 0,
      resumed: 0,
    });
  });

  it.each<[string, Partial<CallStory>, Partial<Tally>]>([
    ['without an answer as lost', lost, { answered: 0, lost: 1 }],
    ['with two answers as answered twice', { mostAnswers: 2 }, { answered: 1, answeredTwice: 1 }],
    ['whose end nobody knows as such', { outcome: 'outcome_unknown' }, { answered: 0, outcomeUnknown: 1, lost: 0 }],
    ['with an error as failed', { outcome: 'failed', failure: 'internal' }, { answered: 0, failed: 1 }],
    ['2 s longer than its tool as not yet late', { answeredAt: 2_100 }, { late: 0 }],
    ['more than that as late', { answeredAt: 2_101 }, { late: 1, answered: 1 }],
    ['that was moved and resumed', { moves: 2, resumes: 1 }, { moved: 2, resumed: 1 }],
  ])('counts one %s', (_what, more, counts) => {
    expect(tally(story(PLAIN, more), ranOnce)).toMatchObject(counts);
  });

  it('finds out an answer to what never ran', () => {
    const { all, failures } = judge([story(PLAIN)], []);
    expect(all.failed).toBe(1);
    expect([...failures]).toEqual([['never ran', 1]]);
  });

  it('tells what failed by what it failed with', () => {
    const failed = (failure: string): CallStory => story(PLAIN, { outcome: 'failed', failure });
    const { failures, byKind } = judge([failed('internal'), failed('timeout'), failed('internal')], ranOnce);
    expect([...failures]).toEqual([
      ['internal', 2],
      ['timeout', 1],
    ]);
    expect(byKind.get(PLAIN)?.failed).toBe(3);
    expect(byKind.get(STREAM)?.sent).toBe(0);
  });

  describe('D-15 of two runs of one call', () => {
    it.each<[string, CallKind, readonly ExecutionLine[], 'executedTwice' | 'runAgain']>([
      ['while the first could go on', IDEMPOTENT, [begin(1), begin(2), end(1), end(2)], 'executedTwice'],
      ['at the same replica', IDEMPOTENT, [begin(1), begin(1)], 'executedTwice'],
      ['after the first died in its middle', IDEMPOTENT, [begin(1), gone(1), begin(2), end(2)], 'runAgain'],
      ['as the first died at its end', IDEMPOTENT, [begin(1), end(1), tick(499), gone(1), begin(2)], 'runAgain'],
      [
        'though the first was written down',
        IDEMPOTENT,
        [begin(1), end(1), tick(500), gone(1), begin(2)],
        'executedTwice',
      ],
      ['after the first was cut short', IDEMPOTENT, [begin(1), cut(1), begin(2)], 'runAgain'],
      [
        'after the first stood still and went on',
        IDEMPOTENT,
        [begin(1), gone(1), { what: 'back', pid: 1 }, begin(2)],
        'executedTwice',
      ],
      ['of what may not run twice', ONCE, [begin(1), gone(1), begin(2)], 'executedTwice'],
      ['without a key', PLAIN, [begin(1), gone(1), begin(2)], 'executedTwice'],
    ])('counts the second %s', (_what, kind, lines, as) => {
      const other = as === 'runAgain' ? 'executedTwice' : 'runAgain';
      expect(tally(story(kind), [tick(0), ...lines])).toMatchObject({ [as]: 1, [other]: 0 });
    });
  });

  describe('of a lost stream', () => {
    it.each<[string, readonly ExecutionLine[], number]>([
      ['was in the log, with time to spare', [begin(1), end(1), tick(500), gone(1)], 1],
      ['was in the log, as its replica lives', [begin(1), end(1), tick(500)], 1],
      ['was perhaps not in the log yet', [begin(1), end(1), tick(499), gone(1), tick(1_000)], 0],
      ['was never given', [begin(1), gone(1), tick(1_000)], 0],
      [
        'came as the store was away',
        [begin(1), { what: 'store', isUp: false }, end(1), tick(900), { what: 'store', isUp: true }],
        0,
      ],
      ['came right before the store went', [begin(1), end(1), tick(400), { what: 'store', isUp: false }, tick(900)], 0],
    ])('says whether its answer %s', (_what, lines, lostFromLog) => {
      expect(tally(story(STREAM, lost), [tick(0), ...lines])).toMatchObject({ lost: 1, lostFromLog });
    });
  });
});
