/** Where time comes from: a port, so that tests own it. */
export abstract class Clock {
  /** Wall time, ms since the epoch: for what leaves the process or is kept. */
  abstract now(): number;
  /** Monotonic time, ms: for durations and deadlines. */
  abstract monotonic(): number;
}

/** The clock of the machine. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }

  override monotonic(): number {
    return performance.now();
  }
}
