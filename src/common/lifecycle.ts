/** Where the process is in its life: it never goes back. */
export type Phase = 'starting' | 'ready' | 'stopping';

/** Whether the process takes work: asked by whoever admits new work, and by the probes of whoever runs it. */
export class Lifecycle {
  private current: Phase = 'starting';

  get phase(): Phase {
    return this.current;
  }

  /** Whether new work should be sent here. */
  get isReady(): boolean {
    return this.current === 'ready';
  }

  /** Whether the end has begun: what runs may finish, and nothing begins. */
  get isStopping(): boolean {
    return this.current === 'stopping';
  }

  /** All that has to be there is there. */
  started(): void {
    if (this.current === 'starting') this.current = 'ready';
  }

  /** The end begins, at once and for good. */
  stop(): void {
    this.current = 'stopping';
  }
}
