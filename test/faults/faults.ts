import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CheckOptions, CheckWorld } from '../../src/cli/rollout/check-world.js';
import type { ReplicaProcess } from '../../src/cli/rollout/replica-process.js';
import { ROOT } from '../support/places.js';
import { until } from '../support/waiting.js';
import { Relay } from './relay.js';

const SKEW_MS = 5_000;
const SLOW_MS = 200;
const KILL_EVERY_MS = 2_000;
const START_MS = 30_000;

/** Wires that stand between the parts while a fault is on. */
export interface Wires {
  redis: Relay | undefined;
  /** By the port that the proxy knows. */
  readonly replicas: Map<number, Relay>;
}

/** Something that goes wrong under load. */
export interface Fault {
  readonly name: string;
  /** For the full proof, and short. */
  readonly ms: { readonly full: number; readonly short: number };
  /** What stands around it. */
  readonly world?: Partial<CheckOptions>;
  /** Goes wrong for so long, and is well again when it resolves. */
  readonly strike: (world: CheckWorld, ms: number, wires: Wires) => Promise<void>;
}

/** The oldest replica of those that take requests. */
function firstOf({ set, proxy }: CheckWorld): ReplicaProcess {
  const taking = new Set(proxy.taking);
  return set.replicas.find((replica) => taking.has(set.routeOf(replica))) as ReplicaProcess;
}

function served(by: number, { proxy }: CheckWorld): Promise<true> {
  return until(() => proxy.taking.length >= by, `${by} replicas to take requests`, START_MS);
}

/** Kills the oldest replica and starts another, again and again. */
async function killInTurn(world: CheckWorld, ms: number): Promise<void> {
  const endsAt = performance.now() + ms;
  const added: Promise<unknown>[] = [];
  while (performance.now() < endsAt) {
    const nextAt = performance.now() + KILL_EVERY_MS;
    await world.set.end(firstOf(world), 'SIGKILL');
    // The next one falls when its time has come, whether or not the new one is there already.
    added.push(world.set.add());
    await pause(Math.max(0, nextAt - performance.now()));
    await served(2, world);
  }
  await Promise.all(added);
  await served(3, world);
}

async function freeze(world: CheckWorld, ms: number): Promise<void> {
  const { pid } = firstOf(world);
  process.kill(pid, 'SIGSTOP');
  world.record.add({ what: 'gone', pid });
  await pause(ms);
  world.record.add({ what: 'back', pid });
  process.kill(pid, 'SIGCONT');
}

async function redisDown({ redis, record }: CheckWorld, ms: number): Promise<void> {
  record.add({ what: 'store', isUp: false });
  await redis?.down();
  await pause(ms);
  await redis?.up();
  record.add({ what: 'store', isUp: true });
}

async function redisSlow(_world: CheckWorld, ms: number, { redis }: Wires): Promise<void> {
  const wire = redis as Relay;
  // Half on the way there, half on the way back.
  wire.delayMs = SLOW_MS / 2;
  await pause(ms);
  wire.delayMs = 0;
}

async function cutOff(world: CheckWorld, ms: number, { replicas }: Wires): Promise<void> {
  const wire = replicas.get(world.set.routeOf(firstOf(world))) as Relay;
  wire.cut();
  await pause(ms);
  wire.mend();
}

const skewed = {
  NODE_OPTIONS: `--import=${join(ROOT, 'test', 'faults', 'skewed-clock.mjs')}`,
  SKEW_MS: String(SKEW_MS),
};

/** The faults that a service of replicas has to stand. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9 of a replica every 2 s', // Short: one of them.
    ms: { full: 60_000, short: 1 },
    strike: killInTurn,
  },
  { name: 'a replica stands still (SIGSTOP)', ms: { full: 10_000, short: 10_000 }, strike: freeze },
  { name: 'Redis restarts', ms: { full: 0, short: 0 }, strike: redisDown },
  { name: 'Redis is down', ms: { full: 20_000, short: 10_000 }, strike: redisDown },
  { name: 'Redis is slow by 200 ms', ms: { full: 20_000, short: 5_000 }, strike: redisSlow },
  {
    name: 'a clock is wrong by 5 s',
    ms: { full: 20_000, short: 5_000 },
    world: { settings: [skewed] },
    strike: (_world, ms) => pause(ms),
  },
  { name: 'no network between proxy and replica', ms: { full: 20_000, short: 5_000 }, strike: cutOff },
];
