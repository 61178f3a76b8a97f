/**
 * Whether this process takes work. Whoever starts and ends it says so; doors and probes ask. Traffic has no say in it:
 * a server that nobody has called yet is as ready as any.
 */
export class Readiness {
  private phase: 'starting' | 'ready' | 'ending' = 'starting';
  private held = 0;

  get isReady(): boolean {
    return this.phase === 'ready';
  }

  get isEnding(): boolean {
    return this.phase === 'ending';
  }

  /** Pieces of work that the end of the process waits for, beside the messages of its doors. */
  get heldCount(): number {
    return this.held;
  }

  /** Begins the end: new work goes elsewhere from here on. There is no way back. */
  end(): void {
    this.phase = 'ending';
  }

  /** Notes a piece of work that the end has to wait for. @returns what notes that it is done, once */
  hold(): () => void {
    this.held += 1;
    let isDone = false;
    return () => {
      if (!isDone) this.held -= 1;
      isDone = true;
    };
  }

  /** Called by the framework, once everything has started. */
  onApplicationBootstrap(): void {
    if (this.phase === 'starting') this.phase = 'ready';
  }

  /** Called by the framework, where nobody began the end before. */
  beforeApplicationShutdown(): void {
    this.end();
  }
}
