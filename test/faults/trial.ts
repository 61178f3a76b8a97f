import { setTimeout as pause } from 'node:timers/promises';
import { type CheckResult, CheckWorld } from '../../src/cli/rollout/check-world.js';
import { MAIN } from '../support/places.js';
import type { Fault, Wires } from './faults.js';
import { Relay } from './relay.js';
import { type Vitals, vitalsOf } from './vitals.js';

const BEFORE_MS = 2_000;
/** After the fault: long enough for what is taken for dead to be settled, and for connections to come back. */
const AFTER_MS = 3_000;
const QUIET_MS = 2_000;

/** What a replica that lived from the start to the end held, idle before the load and idle after it. */
export interface Survivor {
  readonly pid: number;
  readonly before: Vitals;
  readonly after: Vitals;
}

export interface TrialResult extends CheckResult {
  readonly survivors: readonly Survivor[];
}

/** How long a fault lasts, and how long a client tries to get through, ms. */
export interface Bounds {
  readonly ms: number;
  readonly patienceMs: number;
}

/** Loads three replicas while a fault strikes. */
export async function trial({ strike, world: options = {} }: Fault, { ms, patienceMs }: Bounds): Promise<TrialResult> {
  const wires: Wires = { redis: undefined, replicas: new Map() };
  const world = await CheckWorld.open({
    main: MAIN,
    path: process.env['PATH'] ?? '',
    replicaCount: 3,
    clientsPerKind: 2,
    patienceMs,
    redisVia: async (url) => {
      wires.redis = await Relay.to(Number(new URL(url).port));
      return `redis://127.0.0.1:${wires.redis.port}`;
    },
    via: async (port) => {
      const relay = await Relay.to(port);
      wires.replicas.set(relay.port, relay);
      return relay.port;
    },
    ...options,
  });
  try {
    const pids = world.set.replicas.map(({ pid }) => pid);
    const before = await Promise.all(pids.map(vitalsOf));
    const result = await world.load(async () => {
      await pause(BEFORE_MS);
      await strike(world, ms, wires);
      await pause(AFTER_MS);
    });
    await pause(QUIET_MS);
    const alive = pids.flatMap((pid, index) =>
      world.set.replicas.some((replica) => replica.pid === pid) ? { pid, before: before[index] as Vitals } : [],
    );
    const survivors = await Promise.all(alive.map(async (each) => ({ ...each, after: await vitalsOf(each.pid) })));
    return { ...result, survivors };
  } finally {
    await world.close();
    wires.redis?.close();
    for (const relay of wires.replicas.values()) relay.close();
  }
}
