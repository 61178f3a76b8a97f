import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { tableOf } from '../../src/cli/rollout/rollout-report.js';
import type { Tally } from '../../src/cli/rollout/tally.js';
import { installRedis } from '../support/redis-server.js';
import { FAULTS } from './faults.js';
import { trial, type TrialResult } from './trial.js';

// Faults at full size are for `npm run proof`; of the short ones, those that say most are for every run.
const isFull = process.env['FAULTS'] === 'full';
const size = isFull ? 'full' : 'short';
/** Longer than Redis is away, and than it takes until a replica counts as dead. */
const PATIENCE_MS = { full: 45_000, short: 25_000 };
const ALWAYS = ['kill -9 of a replica every 2 s', 'Redis restarts'];
const chosen = FAULTS.filter(({ name }) => isFull || process.env['FAULTS'] === name || ALWAYS.includes(name));

const SPARE_DESCRIPTORS = 10;
/** What a young process takes before its garbage collector finds it worth while. */
const SPARE_MIB = 100;

jest.setTimeout(240_000);

describe('three replicas under load stand faults', () => {
  const rows: { name: string; tally: Tally }[] = [];
  const kinds: string[] = [];

  beforeAll(installRedis);

  afterAll(() => {
    // What the proof shows.
    process.stdout.write(`\n${[...tableOf(rows, 'fault'), ...kinds].join('\n')}\n`);
  });

  it.each(chosen)('$name', async (fault) => {
    const result = await trial(fault, { ms: fault.ms[size], patienceMs: PATIENCE_MS[size] });
    rows.push({ name: fault.name, tally: result.all });
    kinds.push('', ...tableOf(kindsOf(result), fault.name), ...othersOf(result));
    expect(breachesOf(result)).toEqual([]);
    expect([...result.failures]).toEqual([]);
    expect(result.lostSessions).toBe(0);
    for (const { before, after } of result.survivors) {
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + SPARE_DESCRIPTORS);
      expect(after.residentMiB).toBeLessThanOrEqual(before.residentMiB + SPARE_MIB);
    }
  });
});

/** What must be 0, or not 0, of each kind of call, and is not. */
function breachesOf({ byKind }: TrialResult): string[] {
  return [...byKind].flatMap(([{ name, isKeyed }, tally]) => {
    const { answered, answeredTwice, lostFromLog, lost, executedTwice } = tally;
    const must = { answeredTwice, lostFromLog, ...(isKeyed ? { lost, executedTwice } : {}) };
    const breaches = Object.entries(must).flatMap(([what, count]) => (count > 0 ? `${name}: ${what} ${count}` : []));
    return answered > 0 ? breaches : [...breaches, `${name}: none was answered`];
  });
}

function kindsOf({ byKind }: TrialResult): { name: string; tally: Tally }[] {
  return [...byKind].map(([{ name }, tally]) => ({ name, tally }));
}

function othersOf({ survivors, failures }: TrialResult): string[] {
  return [
    ...[...failures].map(([why, count]) => `failed: ${count} x ${why}`),
    ...survivors.map(
      ({ before, after }) =>
        `a replica: descriptors ${before.descriptors} -> ${after.descriptors}, MiB ${before.residentMiB} -> ${after.residentMiB}`,
    ),
  ];
}
