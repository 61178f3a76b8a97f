import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../common/index.js';
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

  /** Ends all of it early: callers are told that the server ends, and that they may ask again. */
  abortAll(): void {
    const cause = new ProtocolError('shutting_down', 'The server ended before the work was done: try again');
    this.requests.abortAll(cause);
    this.tasks.abortAll(cause);
  }
}
