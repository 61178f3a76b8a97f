import { setTimeout as pause } from 'node:timers/promises';
import { CALL_KINDS, type CallKind, type CallStory } from './call-story.js';
import type { ExecutionRecord } from './execution.js';
import { LoadClient, type LoadTarget } from './load-client.js';

const TICK_MS = 100;
/** How long the tools take, ms: from what is over at once to what a fault meets in the middle. */
const LEAST_RUN_MS = 20;
const MOST_RUN_MS = 400;
const PAUSE_MS = 30;
/** How long a client that leaves a stream stays away, ms: long enough for the answer to be there when it comes back. */
const AWAY_MS = 1_000;

export interface LoadOptions extends LoadTarget {
  readonly record: ExecutionRecord;
  /** Clients of each kind of call. */
  readonly clientsPerKind: number;
}

/** Bounded load: each client makes one call after the other, of one kind, and the whole story of each is kept. */
export class Load {
  readonly stories: CallStory[] = [];
  private readonly clients: LoadClient[] = [];
  private isOver = false;

  constructor(private readonly options: LoadOptions) {}

  get lostSessions(): number {
    return this.clients.reduce((sum, { lostSessions }) => sum + lostSessions, 0);
  }

  /** Makes calls until the work is done; then waits for the answers of what is under way. */
  async during(work: () => Promise<void>): Promise<void> {
    const { record, clientsPerKind } = this.options;
    const ticks = setInterval(() => record.add({ what: 'tick', at: performance.now() }), TICK_MS);
    const lanes = CALL_KINDS.flatMap((kind, index) =>
      Array.from({ length: clientsPerKind }, (_, of) => this.lane(kind, `${index}.${of}`)),
    );
    try {
      await work();
    } finally {
      this.isOver = true;
      await Promise.all(lanes);
      clearInterval(ticks);
    }
  }

  private async lane(kind: CallKind, name: string): Promise<void> {
    const client = new LoadClient(this.options);
    this.clients.push(client);
    for (let count = 1; !this.isOver; count += 1) {
      const story: CallStory = {
        call: `${name}.${count}`,
        kind,
        runMs: runMsOf(count),
        askedAt: performance.now(),
        mostAnswers: 0,
        outcome: 'none',
        attempts: 0,
        moves: 0,
        resumes: 0,
      };
      this.stories.push(story);
      // Every second stream is left by its client, and taken up again.
      await client.carry(story, count % 2 === 0 ? AWAY_MS : undefined);
      await pause(PAUSE_MS);
    }
    await client.leave();
  }
}

/** Short and long in turn, spread over the whole range. */
function runMsOf(count: number): number {
  const steps = 7;
  return LEAST_RUN_MS + Math.round(((MOST_RUN_MS - LEAST_RUN_MS) * ((count * 3) % steps)) / (steps - 1));
}
