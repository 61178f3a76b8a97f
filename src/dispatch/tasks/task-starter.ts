import { Injectable } from '@nestjs/common';
import { Clock, type JsonObject } from '../../common/index.js';
import type { RegisteredTool } from '../../tools/index.js';
import { ModernClient } from '../client/modern-client.js';
import type { MethodCall } from '../method-handler.js';
import { requireTasks } from '../peer.js';
import type { TaskRun } from './task-run.js';
import { Tasks } from './tasks.js';

const DEFAULT_TTL_MS = 3_600_000;

/** Decides whether a call of a tool is answered by its result, or by a task that will have it. */
@Injectable()
export class TaskStarter {
  constructor(
    private readonly tasks: Tasks,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs a call of a tool that may become a task.
   * @param execute the call itself
   * @returns its result, or the task: whichever is first
   * @throws ProtocolError missing_capability the tool is only for clients that know tasks; and what the call throws
   */
  async run({ options }: RegisteredTool, call: MethodCall, execute: () => Promise<JsonObject>): Promise<JsonObject> {
    const { task = {} } = options;
    const { client } = call.scope.origin;
    if (task.required) requireTasks(call.peer);
    if (!call.peer.hasTasks || !(client instanceof ModernClient)) return execute();

    const becameTask = new Promise<TaskRun>((resolve) => {
      client.startTask = async () => {
        const run = await this.start(call, task.ttlMs ?? DEFAULT_TTL_MS);
        resolve(run);
        return run;
      };
    });
    if (task.starts !== 'by-handler') await client.becomeTask();
    const work = execute();
    // How the work ends is for whoever follows it: here its end only ends the wait.
    const ended = work.then(nothing, nothing);
    const started = await Promise.race([becameTask, ended]);
    if (!started) return work;
    this.tasks.follow(started, work);
    const { inputRequests: _later, ...view } = started.view();
    return { resultType: 'task', ...view };
  }

  private async start({ scope }: MethodCall, ttlMs: number): Promise<TaskRun> {
    const run = await this.tasks.create(scope, ttlMs);
    scope.prolong(this.clock.monotonic() + ttlMs);
    return run;
  }
}

function nothing(): undefined {
  return undefined;
}
