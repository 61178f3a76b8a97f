import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/index.js';
import type { BreakerTransition } from './breaker.js';

const KEPT = 100;

/** A change of state of one tool's breaker. */
export interface BreakerEvent extends BreakerTransition {
  readonly tool: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** Where the breakers of all tools tell of their changes: to the log, and to whoever listens. */
@Injectable()
export class BreakerWatch {
  private readonly logger = new Logger('Breaker');
  private readonly kept: BreakerEvent[] = [];
  private readonly listeners = new Set<(event: BreakerEvent) => void>();

  constructor(private readonly clock: Clock) {}

  /** The changes so far, the last 100 of them, oldest first. */
  recent(): readonly BreakerEvent[] {
    return [...this.kept];
  }

  /** Calls back at each change. @returns what ends that */
  onChange(listener: (event: BreakerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed(tool: string, transition: BreakerTransition): void {
    const event = { tool, at: this.clock.now(), ...transition };
    this.kept.push(event);
    if (this.kept.length > KEPT) this.kept.shift();
    const { from, to, why } = transition;
    const text = `The breaker of ${tool} went from ${from} to ${to}: ${why}`;
    if (to === 'open') this.logger.warn(text);
    else this.logger.log(text);
    for (const listener of this.listeners) listener(event);
  }
}
