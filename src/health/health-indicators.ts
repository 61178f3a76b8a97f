import { Injectable } from '@nestjs/common';
import { printable } from '../common/index.js';

/** How a thing does (S4-40). */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** How much it matters, the most first (K-19). */
export const HEALTH_PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL'] as const;

export type HealthPriority = (typeof HEALTH_PRIORITIES)[number];

/** What a check found. */
export interface HealthFinding {
  readonly status: HealthStatus;
  /** For people: what is wrong. */
  readonly message?: string;
  /** JSON for people and programs; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Something whose health can be told. */
export interface HealthIndicator {
  /** 1 to 128 of letters, digits and `_ . : / -`. */
  readonly name: string;
  /** `IMPORTANT` is another word for `HIGH`. */
  readonly priority: HealthPriority | 'IMPORTANT';
  /** Time that the check gets, ms, >= 1; `MCP_HEALTH_TIMEOUT` when left out. */
  readonly timeoutMs?: number;
  /**
   * Looks. What is thrown counts as unhealthy, with the error's message.
   * @param signal aborted when the time is up
   */
  check(signal: AbortSignal): HealthFinding | Promise<HealthFinding>;
}

const NAME = /^[\w.:/-]{1,128}$/;
const MAX_REGISTERED = 200;

/**
 * What `/health` looks at. Inject it in a plug-in or a host application to add to it (S4-46).
 * @example health.register({ name: 'mail', priority: 'LOW', check: async (signal) => ({ status: await ping(signal) }) });
 */
@Injectable()
export class HealthIndicators {
  private readonly registered = new Map<string, HealthIndicator>();
  private readonly sources: (() => readonly HealthIndicator[])[] = [];

  /**
   * Adds one, from the next round on.
   * @returns what takes it away again
   * @throws Error the name is taken or not one, or there are 200 already
   */
  register(indicator: HealthIndicator): () => void {
    const { name } = indicator;
    if (!NAME.test(name))
      throw new Error(`"${printable(name)}" cannot name a health check: take letters, digits, _ . : / -`);
    if (this.registered.has(name)) throw new Error(`There is a health check ${name} already`);
    if (this.registered.size >= MAX_REGISTERED)
      throw new Error(`There are ${MAX_REGISTERED} health checks: take one away first`);
    this.registered.set(name, indicator);
    return () => {
      if (this.registered.get(name) === indicator) this.registered.delete(name);
    };
  }

  /** Adds what comes and goes: it is asked anew for each round. */
  addSource(source: () => readonly HealthIndicator[]): void {
    this.sources.push(source);
  }

  /** @returns all there are now; what is registered keeps its name against what a source gives */
  list(): readonly HealthIndicator[] {
    const all = new Map(this.sources.flatMap((source) => source()).map((indicator) => [indicator.name, indicator]));
    for (const [name, indicator] of this.registered) all.set(name, indicator);
    return [...all.values()];
  }
}
