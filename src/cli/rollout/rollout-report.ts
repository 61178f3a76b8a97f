import type { CheckResult } from './check-world.js';
import { type Ending, hasEndedInOrder } from './rollout.js';
import type { Tally } from './tally.js';

const COLUMNS: readonly (readonly [name: keyof Tally, title: string])[] = [
  ['sent', 'sent'],
  ['answered', 'answered'],
  ['answeredTwice', 'twice'],
  ['lost', 'lost'],
  ['lostFromLog', 'of the log'],
  ['executedTwice', 'executed twice'],
  ['runAgain', 'run again'],
  ['outcomeUnknown', 'outcome_unknown'],
  ['failed', 'failed'],
  ['late', 'late'],
  ['moved', 'moved'],
  ['resumed', 'resumed'],
];

/** What a table has on its left, and beside it. */
export interface Row {
  readonly name: string;
  readonly tally: Tally;
}

/** @returns lines of a table, one for each row */
export function tableOf(rows: readonly Row[], title: string): readonly string[] {
  const width = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    [name.padEnd(width), ...cells.map((cell, index) => cell.padStart((COLUMNS[index]?.[1] ?? '').length))].join('  ');
  const head = line(
    title,
    COLUMNS.map(([, column]) => column),
  );
  const body = rows.map(({ name, tally }) =>
    line(
      name,
      COLUMNS.map(([column]) => String(tally[column])),
    ),
  );
  return [head, ...body];
}

/** What is wrong with a rollout, one sentence each; nothing where it is as it should be. */
export function faultsOf({ all, lostSessions, failures }: CheckResult, endings: readonly Ending[]): readonly string[] {
  const rules: readonly (readonly [count: number, fault: string])[] = [
    [Number(all.sent === 0), 'no call was made'],
    [all.lost, 'calls were lost'],
    [all.answeredTwice, 'calls were answered twice'],
    [all.executedTwice, 'calls were executed twice'],
    [all.runAgain, 'calls were run again: their replica ended in the middle of them'],
    [all.outcomeUnknown, 'calls ended as outcome_unknown: their replica ended in the middle of them'],
    [all.failed, `calls failed (${[...failures].map(([why, count]) => `${count} x ${why}`).join(', ')})`],
    [lostSessions, 'sessions were lost'],
  ];
  const orderly = endings
    .filter((ending) => !hasEndedInOrder(ending))
    .map(({ pid, exit }) => `replica ${pid} did not end in order: ${exit}`);
  return [...rules.flatMap(([count, fault]) => (count > 0 ? `${count} ${fault}` : [])), ...orderly];
}
