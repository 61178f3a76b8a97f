import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { printable, ToolError, type JsonObject } from '../common/index.js';
import type { ResponseMessage } from '../protocol/index.js';
import type { Session } from '../session/index.js';

interface Waiting {
  readonly sessionKey: string;
  resolve(answer: JsonObject): void;
  reject(error: Error): void;
}

/**
 * Requests of ours that legacy clients have yet to answer. Their ids name this replica, and an answer counts only in
 * the session that was asked (D-6).
 */
@Injectable()
export class ClientQuestions {
  private readonly replica = randomBytes(4).toString('hex');
  private readonly waiting = new Map<string, Waiting>();
  private asked = 0;

  constructor(private readonly security: SecurityLog) {}

  /** Answers that are owed to us. */
  get count(): number {
    return this.waiting.size;
  }

  /** @returns an id that no other question has, on any replica */
  nextId(): string {
    this.asked += 1;
    return `${this.replica}-${this.asked}`;
  }

  /**
   * Waits for the answer to one question.
   * @param id of {@link nextId}
   * @param signal ends the wait with its reason
   * @throws ToolError the client answered with an error
   */
  expect(id: string, session: Session, signal: AbortSignal): Promise<JsonObject> {
    return new Promise<JsonObject>((resolve, reject) => {
      const end = (): void => {
        this.waiting.delete(id);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason as Error);
      };
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.set(id, {
        sessionKey: session.key,
        resolve: (answer) => {
          end();
          resolve(answer);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
    });
  }

  /** Hands an answer to whoever waits for it; one that nobody is owed is dropped with an event. */
  settle({ id, result, error }: ResponseMessage, session: Session | undefined, door: string): void {
    const waiting = this.waiting.get(String(id));
    if (!waiting || waiting.sessionKey !== session?.key) {
      this.security.emit('invalid_input', { transport: door, error: 'An answer that nobody is owed' });
      return;
    }
    if (error) waiting.reject(new ToolError(`The client could not answer: ${printable(error.message)}`));
    else waiting.resolve(result ?? {});
  }
}
