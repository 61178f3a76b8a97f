import { isJsonObject, type JsonObject } from '../../common/index.js';
import type { CallScope, ClientQuestion } from '../../tools/index.js';

/** @see SEP-2663, "Task Status" */
export type TaskStatus = 'working' | 'input_required' | 'completed' | 'cancelled' | 'failed';

/** How a task ended. */
export type TaskEnd =
  | { readonly status: 'completed'; readonly result: JsonObject }
  | { readonly status: 'failed'; readonly error: JsonObject }
  | { readonly status: 'cancelled' };

/** What stays the same for as long as a task lives. */
export interface TaskTerms {
  readonly taskId: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
}

interface OpenQuestion {
  readonly question: ClientQuestion;
  answer(answer: JsonObject): void;
}

/**
 * A call that outlives its request, while it runs in this process: what the client can see of it, and what it is asked.
 * @see SEP-2663
 */
export class TaskRun {
  private readonly open = new Map<string, OpenQuestion>();
  private readonly kept = new Map<string, Promise<unknown>>();
  private message: string | undefined;
  private end: TaskEnd | undefined;
  private updatedAt: number;

  /** @param onChange is told of every change that a client can see */
  constructor(
    readonly terms: TaskTerms,
    readonly scope: CallScope,
    private readonly now: () => number,
    private readonly onChange: (isOfStatus: boolean) => void,
  ) {
    this.updatedAt = terms.createdAt;
  }

  get status(): TaskStatus {
    if (this.end) return this.end.status;
    return this.open.size > 0 ? 'input_required' : 'working';
  }

  /** The task, as `tasks/get` shows it. */
  view(): JsonObject {
    const { taskId, createdAt, ttlMs, pollIntervalMs } = this.terms;
    const asked = [...this.open].map(([key, { question }]) => [
      key,
      { method: question.method, params: question.params ?? {} },
    ]);
    return {
      taskId,
      status: this.status,
      ...(this.message !== undefined && { statusMessage: this.message }),
      createdAt: new Date(createdAt).toISOString(),
      lastUpdatedAt: new Date(this.updatedAt).toISOString(),
      ttlMs,
      pollIntervalMs,
      ...(this.status === 'input_required' && { inputRequests: Object.fromEntries(asked) as JsonObject }),
      ...(this.end?.status === 'completed' && { result: this.end.result }),
      ...(this.end?.status === 'failed' && { error: this.end.error }),
    };
  }

  /** Waits until the client answers by `tasks/update`. One key is one question. */
  ask(key: string, question: ClientQuestion, signal: AbortSignal): Promise<JsonObject> {
    return this.once(`ask ${key}`, () => this.waitFor(key, question, signal));
  }

  once<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    const kept = this.kept.get(key) as Promise<T> | undefined;
    if (kept) return kept;
    const running = Promise.resolve().then(work);
    this.kept.set(key, running);
    return running;
  }

  /** Takes answers; those to questions that are not open are let go, and one that does not fit leaves its question open. */
  answer(responses: JsonObject): void {
    for (const [key, response] of Object.entries(responses)) {
      const asked = this.open.get(key);
      if (!asked || !isJsonObject(response) || asked.question.faultOf(response) !== undefined) continue;
      this.open.delete(key);
      asked.answer(response);
      this.changed();
    }
  }

  /** Tells the client how far the work is. */
  say(message: string): void {
    this.message = message;
    this.changed(false);
  }

  finish(end: TaskEnd): void {
    this.open.clear();
    this.end = end;
    this.changed();
  }

  private waitFor(key: string, question: ClientQuestion, signal: AbortSignal): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.open.delete(key);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.open.set(key, {
        question,
        answer: (answer) => {
          signal.removeEventListener('abort', onAbort);
          resolve(answer);
        },
      });
      this.changed();
    });
  }

  private changed(isOfStatus = true): void {
    this.updatedAt = this.now();
    this.onChange(isOfStatus);
  }
}
