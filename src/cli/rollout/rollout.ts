import { setTimeout as pause } from 'node:timers/promises';
import { EXIT } from '../../common/index.js';
import type { CheckWorld } from './check-world.js';

/** How a rolling restart goes. */
export interface RolloutPlan {
  /** How long load runs before, between the restarts, and after, ms. */
  readonly settleMs: number;
  /** Between the proxy no longer sending requests and SIGTERM, as preStop has it, ms. */
  readonly preStopMs: number;
  /** Is told what happens, one line each. */
  readonly onStep: (line: string) => void;
}

/** How one replica ended. */
export interface Ending {
  readonly pid: number;
  /** Exit code, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals;
  /** From SIGTERM to the end, ms. */
  readonly drainMs: number;
}

/** Ends each replica in turn by SIGTERM, and starts another in its place. */
export async function restartInTurn({ set, proxy }: CheckWorld, plan: RolloutPlan): Promise<readonly Ending[]> {
  const endings: Ending[] = [];
  await pause(plan.settleMs);
  const replicas = set.replicas;
  for (const [index, replica] of replicas.entries()) {
    const { pid } = replica;
    plan.onStep(`Replica ${index + 1} of ${replicas.length} (pid ${pid}) is ended, and another started in its place`);
    if (plan.preStopMs > 0) {
      proxy.rest(set.routeOf(replica));
      await pause(plan.preStopMs);
    }
    const startedAt = performance.now();
    const exit = await set.end(replica, 'SIGTERM');
    endings.push({ pid, exit, drainMs: performance.now() - startedAt });
    await set.add();
    await pause(plan.settleMs);
  }
  return endings;
}

export function hasEndedInOrder({ exit }: Ending): boolean {
  return exit === EXIT.ok;
}
