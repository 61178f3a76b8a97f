import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT, StartError } from '../../common/index.js';
import { FORMATS, hostEnvironment } from '../../config/index.js';
import type { Invocation } from '../invocation.js';
import { type CheckResult, CheckWorld } from './check-world.js';
import { type Ending, restartInTurn, type RolloutPlan } from './rollout.js';
import { faultsOf, tableOf } from './rollout-report.js';

const MAIN = join(import.meta.dirname, '..', '..', 'main.js');
const MS_PER_SEC = 1_000;
const PATIENCE_MS = 30_000;

const HELP = `gatehouse rollout-check: restarts local replicas one after the other under load, and says what became of the calls.

  --replicas <2..10>    Replicas over one Redis (3)
  --redis <url>         A Redis to use; without, a redis-server is started for the check and ended after it
  --settle <1..300>     Seconds of load before the first restart and after each (3)
  --pre-stop <0..60>    Seconds to wait before each SIGTERM, as a preStop hook does (1)
  --clients <1..20>     Clients of each of the seven kinds of calls (2)
  --json                Print the result as JSON

Exits with 0 where nothing was lost, answered twice or executed twice, and with 1 otherwise. See docs/rollouts.md.
`;

interface Wishes {
  readonly replicaCount: number;
  readonly clientsPerKind: number;
  readonly redisUrl: string | undefined;
  readonly plan: RolloutPlan;
  readonly isJson: boolean;
}

/** `gatehouse rollout-check`: a rolling restart of local replicas under load, and whether it lost anything (K-36). */
export async function checkRollout({ argv }: Invocation): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  const wishes = wishesOf(argv);
  const { replicaCount, clientsPerKind, redisUrl, plan } = wishes;
  const opening = CheckWorld.open({
    main: MAIN,
    path: hostEnvironment()['PATH'] ?? '',
    replicaCount,
    clientsPerKind,
    patienceMs: PATIENCE_MS,
    ...(redisUrl !== undefined && { redisUrl }),
  });
  const stop = endAtSignal(opening);
  const world = await opening;
  try {
    let endings: readonly Ending[] = [];
    const result = await world.load(async () => {
      endings = await restartInTurn(world, plan);
    });
    const faults = faultsOf(result, endings);
    const text = wishes.isJson ? json(result, endings, faults) : report(result, endings, faults);
    process.stdout.write(`${text}\n`);
    process.exitCode = faults.length === 0 ? EXIT.ok : EXIT.fatal;
  } finally {
    stop();
    await world.close();
  }
}

/** Whoever gives up the check leaves no replica behind. @returns what ends that */
function endAtSignal(opening: Promise<CheckWorld>): () => void {
  const end = (): void => void opening.then((world) => world.close()).finally(() => process.exit(EXIT.fatal));
  process.once('SIGINT', end).once('SIGTERM', end);
  return () => void process.off('SIGINT', end).off('SIGTERM', end);
}

function report(result: CheckResult, endings: readonly Ending[], faults: readonly string[]): string {
  const rows = [...result.byKind].map(([{ name }, tally]) => ({ name, tally }));
  const drains = endings.map(({ drainMs }) => (drainMs / MS_PER_SEC).toFixed(1)).join(', ');
  return [
    `${endings.length} replicas were restarted in ${result.seconds.toFixed(0)} s; they took ${drains} s to end.`,
    '',
    ...tableOf([...rows, { name: 'all', tally: result.all }], 'calls'),
    '',
    ...(faults.length === 0 ? ['Nothing was lost, and nothing was done twice.'] : ['This is wrong:']),
    ...faults.map((fault) => `  - ${fault}`),
  ].join('\n');
}

function json(result: CheckResult, endings: readonly Ending[], faults: readonly string[]): string {
  const { all, byKind, failures, lostSessions, seconds } = result;
  const kinds = Object.fromEntries([...byKind].map(([{ name }, tally]) => [name, tally]));
  return JSON.stringify(
    {
      ok: faults.length === 0,
      faults,
      all,
      kinds,
      failures: Object.fromEntries(failures),
      lostSessions,
      endings,
      seconds,
    },
    undefined,
    2,
  );
}

/** @throws StartError with EXIT.usage */
function wishesOf(argv: readonly string[]): Wishes {
  const { values } = parsed(argv);
  const faults: string[] = [];
  const number = (
    name: 'replicas' | 'settle' | 'pre-stop' | 'clients',
    [least, preset, most]: readonly [number, number, number],
  ): number => {
    const text = values[name];
    const value = text === undefined ? preset : Number(text);
    const isGood = text === undefined || (/^\d+$/.test(text) && value >= least && value <= most);
    if (!isGood) faults.push(`--${name} must be a whole number, ${least} to ${most}`);
    return value;
  };
  const wishes: Wishes = {
    replicaCount: number('replicas', [2, 3, 10]),
    clientsPerKind: number('clients', [1, 2, 20]),
    redisUrl: values.redis,
    plan: {
      settleMs: number('settle', [1, 3, 300]) * MS_PER_SEC,
      preStopMs: number('pre-stop', [1, 0, 60]) * MS_PER_SEC,
      onStep: (line) => void process.stderr.write(`${line}\n`),
    },
    isJson: values.json ?? false,
  };
  const { redis } = values;
  // Not shown: it may hold a password.
  if (redis !== undefined && !FORMATS['redis-url'].accepts(redis))
    faults.push(`--redis must be ${FORMATS['redis-url'].expected}`);
  if (faults.length > 0) throw new StartError('Nothing is checked:', faults, EXIT.usage);
  return wishes;
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        replicas: { type: 'string' },
        redis: { type: 'string' },
        settle: { type: 'string' },
        'pre-stop': { type: 'string' },
        clients: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError('Nothing is checked:', [why, HELP], EXIT.usage);
  }
}
