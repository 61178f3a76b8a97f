import { Clock } from '../../src/common/index.js';

/** A clock that stands still until it is told to go on. */
export class FakeClock extends Clock {
  private elapsedMs = 0;

  /** @param startMs wall time at the start, ms since the epoch */
  constructor(private readonly startMs = Date.UTC(2026, 0, 1)) {
    super();
  }

  override now(): number {
    return this.startMs + this.elapsedMs;
  }

  override monotonic(): number {
    return this.elapsedMs;
  }

  /** @param ms how far both times go on, >= 0 */
  advance(ms: number): void {
    this.elapsedMs += ms;
  }
}
