import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { Clock, type GatehouseError, isGatehouseError, type JsonObject, ProtocolError } from '../../common/index.js';
import { Sealer } from '../../session/index.js';
import { DurableStore } from '../../store/index.js';
import type { CallScope } from '../../tools/index.js';
import { Announcements } from '../announcements.js';
import { errorOf } from '../reply.js';
import { type Errand, TaskPlaces } from './task-places.js';
import { type TaskEnd, TaskRun } from './task-run.js';

const NAMESPACE = 'tasks';
const POLL_INTERVAL_MS = 1_000;
const INTERRUPTED = 'The server ended while the task was running';

/** A task as it is kept: for its owner alone, until it is too old. */
interface StoredTask {
  readonly owner: string;
  readonly view: JsonObject;
  /** Where it runs. */
  readonly replica: string;
}

/** Calls that outlive their requests. Every change is kept, so that an end is found on any replica and after a restart. */
@Injectable()
export class Tasks implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Tasks.name);
  private readonly running = new Map<string, TaskRun>();
  /** When each will have ended. */
  private readonly ends = new Map<TaskRun, Promise<void>>();
  /** Changes that are being kept. */
  private readonly writes = new Set<Promise<void>>();

  constructor(
    private readonly sealer: Sealer,
    private readonly store: DurableStore,
    private readonly announcements: Announcements,
    private readonly clock: Clock,
    private readonly places: TaskPlaces,
  ) {}

  onModuleInit(): void {
    this.places.listen((errand) => this.run(errand));
  }

  /** Tasks that run in this process. */
  get runningCount(): number {
    return this.running.size;
  }

  /**
   * Makes a task of a call.
   * @param ttlMs how long it may run, and be asked for, >= 1
   * @returns when `tasks/get` would find it
   */
  async create(scope: CallScope, ttlMs: number): Promise<TaskRun> {
    const key = randomUUID();
    const owner = ownerOf(scope.origin.principal);
    const createdAt = this.clock.now();
    const taskId = this.sealer.seal('task', Buffer.from(JSON.stringify([key, owner])));
    const terms = { taskId, createdAt, ttlMs, pollIntervalMs: POLL_INTERVAL_MS };
    const task: TaskRun = new TaskRun(
      terms,
      scope,
      () => this.clock.now(),
      (isOfStatus) => this.changed(key, task, isOfStatus ? owner : undefined),
    );
    this.running.set(key, task);
    try {
      await this.keep(key, task, owner);
    } catch (error) {
      this.running.delete(key);
      throw error;
    }
    return task;
  }

  /** Lets a task end as its work does. */
  follow(task: TaskRun, work: Promise<JsonObject>): void {
    const ended = work
      .then(completed, (error: unknown) => this.endOf(error))
      .then((end) => task.finish(end))
      .finally(() => this.ends.delete(task));
    this.ends.set(task, ended);
  }

  /** No work outlasts the process: each task ends with it, and whoever asks the next one finds out. */
  async onApplicationShutdown(): Promise<void> {
    const cause = new ProtocolError('shutting_down', INTERRUPTED);
    const running = [...this.running.values()];
    for (const { scope } of running) scope.abort(cause);
    await Promise.all(running.map((task) => this.ends.get(task) ?? Promise.resolve()));
    await Promise.all(this.writes);
  }

  /** @throws ProtocolError unknown_task */
  async get(taskId: unknown, principal: Principal): Promise<JsonObject> {
    const key = this.keyOf(taskId, principal);
    const running = this.running.get(key);
    if (running) return running.view();
    const { view, replica } = await this.stored(key);
    if (isOver(view) || (await this.places.isElsewhere(replica))) return view;
    return interrupted(view);
  }

  /** @throws ProtocolError unknown_task */
  async update(taskId: unknown, principal: Principal, responses: JsonObject): Promise<void> {
    await this.deliver({ kind: 'update', key: this.keyOf(taskId, principal), responses });
  }

  /** Ends a task as soon as its work lets it. @throws ProtocolError unknown_task */
  async cancel(taskId: unknown, principal: Principal): Promise<void> {
    await this.deliver({ kind: 'cancel', key: this.keyOf(taskId, principal) });
  }

  /** Ends all that run in this process: whoever asks later is told why. */
  abortAll(cause: GatehouseError): void {
    for (const { scope } of this.running.values()) scope.abort(cause);
  }

  /** Whether a task is this caller's, and still known. */
  async isKnown(taskId: string, principal: Principal): Promise<boolean> {
    return this.get(taskId, principal).then(
      () => true,
      () => false,
    );
  }

  /** @throws ProtocolError unknown_task */
  private async deliver(errand: Errand): Promise<void> {
    if (this.run(errand)) return;
    const { view, replica } = await this.stored(errand.key);
    if (!isOver(view)) this.places.send(replica, errand);
  }

  /** @returns whether the task runs here */
  private run(errand: Errand): boolean {
    const task = this.running.get(errand.key);
    if (errand.kind === 'cancel') task?.scope.cancel('by tasks/cancel');
    else task?.answer(errand.responses);
    return task !== undefined;
  }

  /** @throws ProtocolError unknown_task */
  private async stored(key: string): Promise<StoredTask> {
    const stored = (await this.store.get(NAMESPACE, key)) as StoredTask | undefined;
    if (!stored) throw unknownTask();
    return stored;
  }

  /** @param owner left out where only words changed, which are not worth keeping */
  private changed(key: string, task: TaskRun, owner: string | undefined): void {
    if (isOver(task.view())) this.running.delete(key);
    this.announcements.taskChanged(task.terms.taskId, task.view());
    if (owner === undefined) return;
    const write = this.keep(key, task, owner)
      .catch((error: unknown) =>
        this.logger.error('A task could not be kept', error instanceof Error ? error.stack : String(error)),
      )
      .finally(() => this.writes.delete(write));
    this.writes.add(write);
  }

  private async keep(key: string, task: TaskRun, owner: string): Promise<void> {
    const { createdAt, ttlMs } = task.terms;
    const value: StoredTask = { owner, view: task.view(), replica: this.places.own };
    await this.store.put({ namespace: NAMESPACE, key, value, expiresAt: createdAt + ttlMs });
  }

  /** Forged, forgotten and someone else's are one and the same. */
  private keyOf(taskId: unknown, principal: Principal): string {
    const bytes = typeof taskId === 'string' ? this.sealer.open('task', taskId) : undefined;
    if (!bytes) throw unknownTask();
    const [key, owner] = JSON.parse(bytes.toString('utf8')) as [string, string];
    if (owner !== ownerOf(principal)) throw unknownTask();
    return key;
  }

  private endOf(error: unknown): TaskEnd {
    if (isGatehouseError(error)) {
      return error.kind === 'cancelled'
        ? { status: 'cancelled' }
        : { status: 'failed', error: errorOf(error, 'modern') };
    }
    this.logger.error('A task failed', error instanceof Error ? error.stack : String(error));
    return { status: 'failed', error: errorOf({ kind: 'internal', message: 'Internal error' }, 'modern') };
  }
}

/** The result as the call itself would have been answered: it says that it is whole. */
function completed(result: JsonObject): TaskEnd {
  return { status: 'completed', result: { resultType: 'complete', ...result } };
}

function ownerOf({ issuer, subject }: Principal): string {
  return `${issuer}\n${subject}`;
}

function isOver(view: JsonObject): boolean {
  return view['status'] !== 'working' && view['status'] !== 'input_required';
}

/** The process that ran the task ended before it did, and could not even say so. */
function interrupted({ inputRequests: _none, ...view }: JsonObject): JsonObject {
  const error = errorOf({ kind: 'internal', message: INTERRUPTED }, 'modern');
  return { ...view, status: 'failed', error };
}

function unknownTask(): ProtocolError {
  return new ProtocolError('unknown_task', 'Unknown task: it was never made, is not yours, or was forgotten');
}
