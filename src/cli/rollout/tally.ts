import { CALL_KINDS, type CallKind, type CallStory } from './call-story.js';
import type { ExecutionLine } from './execution.js';
import { type Run, runsOf } from './runs.js';

/** How much longer than its tool a call may take before it counts as late, ms. */
const LATE_MS = 2_000;

/** What became of the calls of one kind, or of all. */
export interface Tally {
  readonly sent: number;
  /** With the result. */
  readonly answered: number;
  readonly answeredTwice: number;
  /** Without any answer. */
  readonly lost: number;
  /** Of the lost: those whose answer was in the replay log. */
  readonly lostFromLog: number;
  /** Ran more than once, other than by the rule of `runAgain`. */
  readonly executedTwice: number;
  /** Idempotent, and run again since the first run was cut short, or its replica was dead or stood still: as D-15 has it. */
  readonly runAgain: number;
  readonly outcomeUnknown: number;
  /** Answered with another error, or by what never ran. */
  readonly failed: number;
  readonly late: number;
  /** Refused by a replica that ended, and sent again. */
  readonly moved: number;
  /** Streams that were taken up again to the answer. */
  readonly resumed: number;
}

/** What is to be said of a whole run. */
export interface Verdict {
  readonly all: Tally;
  readonly byKind: ReadonlyMap<CallKind, Tally>;
  /** What the failed ones failed with, and how often. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Holds what the clients saw against what the replicas did. */
export function judge(stories: readonly CallStory[], lines: readonly ExecutionLine[]): Verdict {
  const runs = runsOf(lines);
  const failures = new Map<string, number>();
  for (const story of stories) {
    const why = story.outcome === 'failed' ? story.failure : isPhantom(story, runs) ? 'never ran' : undefined;
    if (why !== undefined) failures.set(why, (failures.get(why) ?? 0) + 1);
  }
  const of = (some: readonly CallStory[]): Tally => tallyOf(some, runs);
  const byKind = new Map(CALL_KINDS.map((kind) => [kind, of(stories.filter((story) => story.kind === kind))]));
  return { all: of(stories), byKind, failures };
}

function tallyOf(stories: readonly CallStory[], runs: ReadonlyMap<string, readonly Run[]>): Tally {
  const count = (is: (story: CallStory, runs: readonly Run[]) => boolean): number =>
    stories.filter((story) => is(story, runs.get(story.call) ?? [])).length;
  const sum = (of: (story: CallStory) => number): number => stories.reduce((total, story) => total + of(story), 0);
  return {
    sent: stories.length,
    answered: count(({ outcome }) => outcome === 'result'),
    answeredTwice: count(({ mostAnswers }) => mostAnswers > 1),
    lost: count(({ outcome }) => outcome === 'none'),
    lostFromLog: count(
      ({ outcome, kind }, ran) => outcome === 'none' && kind.isStreamed && ran.some(({ isWritten }) => isWritten),
    ),
    executedTwice: count((story, ran) => ran.length > 1 && !isRunAgain(story, ran)),
    runAgain: count((story, ran) => ran.length > 1 && isRunAgain(story, ran)),
    outcomeUnknown: count(({ outcome }) => outcome === 'outcome_unknown'),
    failed: count((story) => story.outcome === 'failed' || isPhantom(story, runs)),
    late: count(({ answeredAt, askedAt, runMs }) => answeredAt !== undefined && answeredAt - askedAt > runMs + LATE_MS),
    moved: sum(({ moves }) => moves),
    resumed: sum(({ resumes }) => resumes),
  };
}

/** Answered, though no replica ran it. */
function isPhantom({ outcome, call }: CallStory, runs: ReadonlyMap<string, readonly Run[]>): boolean {
  return outcome === 'result' && !runs.has(call);
}

/** Whether each further run had its right: the tool may run twice, and who ran it before could not end it. */
function isRunAgain({ kind }: CallStory, runs: readonly Run[]): boolean {
  return kind.isKeyed && kind.tool === 'count_again' && runs.every(({ wasRivalled }) => !wasRivalled);
}
