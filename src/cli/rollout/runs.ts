import type { ExecutionLine } from './execution.js';

/** How long before its replica ended a run must have ended for its outcome to be in the store for certain, ms. */
const WRITTEN_MS = 500;

/** One run of a tool, as the record tells it. */
export interface Run {
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Whether it was told to stop, and did. */
  readonly wasCut: boolean;
  /** Whether its outcome was in the store: there was time enough before its replica was gone, or the store. */
  readonly isWritten: boolean;
  /** Whether another run of the same call began though this one could go on, or was known to be over. */
  readonly wasRivalled: boolean;
}

type Open = { -readonly [Name in keyof Run]: Run[Name] } & { endedAt: number };

/** @returns the runs of each call, in the order in which they began */
export function runsOf(lines: readonly ExecutionLine[]): ReadonlyMap<string, readonly Run[]> {
  const reader = new RunReader();
  for (const line of lines) reader.take(line);
  return reader.runs;
}

class RunReader {
  readonly runs = new Map<string, Open[]>();
  /** Ended, and perhaps not written yet. */
  private readonly fresh = new Set<Open>();
  private readonly gone = new Set<number>();
  private isStoreUp = true;
  private now = 0;

  take(line: ExecutionLine): void {
    switch (line.what) {
      case 'begin':
        return this.begin(line.call, line.pid);
      case 'end':
        return this.end(line.call, line.pid);
      case 'cut':
        return this.cut(line.call, line.pid);
      case 'tick':
        return this.tick(line.at);
      case 'gone':
        this.gone.add(line.pid);
        return this.forget(({ pid }) => pid === line.pid);
      case 'back':
        this.gone.delete(line.pid);
        return;
      case 'store':
        this.isStoreUp = line.isUp;
        if (!line.isUp) this.forget(() => true);
    }
  }

  private begin(call: string, pid: number): void {
    const earlier = this.runs.get(call) ?? [];
    for (const run of earlier) {
      const isOver = run.wasCut || this.gone.has(run.pid);
      if (run.isWritten || !isOver) run.wasRivalled = true;
    }
    earlier.push({ pid, hasEnded: false, wasCut: false, isWritten: false, wasRivalled: false, endedAt: 0 });
    this.runs.set(call, earlier);
  }

  private end(call: string, of: number): void {
    const run = this.open(call, of);
    if (!run) return;
    run.hasEnded = true;
    run.endedAt = this.now;
    if (this.isStoreUp) this.fresh.add(run);
  }

  private cut(call: string, of: number): void {
    const run = this.open(call, of);
    if (run) run.wasCut = true;
  }

  /** The run that a replica is in the middle of. */
  private open(call: string, of: number): Open | undefined {
    return this.runs.get(call)?.findLast(({ pid, hasEnded, wasCut }) => pid === of && !hasEnded && !wasCut);
  }

  private tick(at: number): void {
    this.now = at;
    for (const run of this.fresh) {
      if (at - run.endedAt < WRITTEN_MS) continue;
      run.isWritten = true;
      this.fresh.delete(run);
    }
  }

  private forget(isLost: (run: Open) => boolean): void {
    for (const run of this.fresh) if (isLost(run)) this.fresh.delete(run);
  }
}
