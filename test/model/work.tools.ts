import { Injectable } from '@nestjs/common';
import { ResourceTemplate, Tool, type ToolContext } from '../../src/index.js';

/** Deadline of a slow call, ms. */
export const TIMEOUT_MS = 120_000;
/** How long a task may run, ms. */
export const TASK_TTL_MS = 200_000;
/** Slow calls that run at once, and those that may wait. */
export const CONCURRENCY = 5;
export const QUEUE = 3;

const KEYED = {
  type: 'object',
  properties: { key: { type: 'string' }, tells: { type: 'boolean' }, isStubborn: { type: 'boolean' } },
  required: ['key'],
} as const;

interface Keyed {
  readonly key: string;
  /** Whether it tells how far it is, at once. */
  readonly tells?: boolean;
  /** Whether it goes on when nobody wants it any more. */
  readonly isStubborn?: boolean;
}

/** Tools whose work ends when the test says so. Each call has a key that nobody else may see. */
@Injectable()
export class WorkTools {
  private readonly running = new Map<string, () => void>();

  /** Whether the work of a call goes on. */
  isRunning(key: string): boolean {
    return this.running.has(key);
  }

  get runningCount(): number {
    return this.running.size;
  }

  /** Lets the work of a call be done. */
  finish(key: string): void {
    this.running.get(key)?.();
  }

  finishAll(): void {
    for (const end of [...this.running.values()]) end();
  }

  @Tool({ input: KEYED })
  plain({ key }: Keyed): string {
    return `plain ${key}`;
  }

  @Tool({ input: KEYED })
  switched({ key }: Keyed): string {
    return `switched ${key}`;
  }

  @Tool({ input: KEYED, timeoutMs: TIMEOUT_MS, concurrency: CONCURRENCY, queue: QUEUE })
  slow({ key, tells, isStubborn }: Keyed, context: ToolContext): Promise<string> {
    if (tells) context.progress(1, 2, `half of ${key}`);
    return this.work(key, isStubborn ? undefined : context.signal).then(() => `slow ${key}`);
  }

  @Tool({ input: KEYED, timeoutMs: TIMEOUT_MS })
  async ask({ key }: Keyed, context: ToolContext): Promise<string> {
    const requestedSchema = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] } as const;
    const answer = await context.elicit('word', { message: `A word for ${key}`, requestedSchema });
    return `ask ${key} ${answer.action === 'accept' ? String(answer.content?.['word']) : answer.action}`;
  }

  @Tool({ input: KEYED, task: { ttlMs: TASK_TTL_MS } })
  job({ key }: Keyed, context: ToolContext): Promise<string> {
    return this.work(key, context.signal).then(() => `job ${key}`);
  }

  /** A document of one client, or the one of all. */
  @ResourceTemplate({ uriTemplate: 'model://doc/{name}' })
  doc({ name }: { readonly name: string }): string {
    return `doc ${name}`;
  }

  private work(key: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.running.delete(key);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.running.set(key, () => {
        this.running.delete(key);
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }
}
