import { type JsonObject, ProtocolError } from '../../common/index.js';
import type { ClientPort } from '../../tools/index.js';

/** The client of a call by REST: it waits for one answer, and hears nothing before. */
export class RestClient implements ClientPort {
  readonly wantsProgress = false;
  readonly isRetry = false;
  readonly suspension = undefined;
  private readonly done = new Map<string, Promise<unknown>>();

  progress(): void {
    // It did not ask for it, and has no way to hear it.
  }

  log(): void {
    // As with progress.
  }

  notify(): void {
    // As with progress.
  }

  supports(): boolean {
    return false;
  }

  ask(): Promise<JsonObject> {
    const message = 'This tool asks its client something, which REST cannot answer: call it through MCP.';
    return Promise.reject(new ProtocolError('missing_capability', message));
  }

  once<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    const known = this.done.get(key) as Promise<T> | undefined;
    if (known) return known;
    const running = Promise.resolve().then(work);
    this.done.set(key, running);
    return running;
  }

  /** REST knows no tasks: the answer is waited for. */
  async becomeTask(): Promise<void> {
    await Promise.resolve();
  }

  closeStream(): void {
    // There is no stream.
  }
}
