import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../common/index.js';
import type { CallScope } from '../tools/index.js';
import { RunningRequests } from './running-requests.js';
import { Tasks } from './tasks/tasks.js';

/** What runs in this process, for whoever ends it: requests, and the calls that outlived theirs. */
@Injectable()
export class RunningWork {
  constructor(
    private readonly requests: RunningRequests,
    private readonly tasks: Tasks,
  ) {}

  get count(): number {
    return this.requests.count + this.tasks.runningCount;
  }

  /** Notes a call that no message asked for, as by REST: the end waits for it too. @returns what notes that it is done */
  hold(scope: CallScope): () => void {
    return this.requests.hold(scope);
  }

  /** Ends all of it early: callers are told that the server ends, and that they may ask again. */
  abortAll(): void {
    const cause = new ProtocolError('shutting_down', 'The server ended before the work was done: try again');
    this.requests.abortAll(cause);
    this.tasks.abortAll(cause);
  }
}
