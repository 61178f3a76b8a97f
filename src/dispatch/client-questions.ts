import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { printable, ProtocolError, ToolError, type JsonObject } from '../common/index.js';
import type { ResponseMessage } from '../protocol/index.js';
import type { Session } from '../session/index.js';
import { Bus, Replica, StoreHealth } from '../store/index.js';

interface Waiting {
  readonly sessionKey: string;
  resolve(answer: JsonObject): void;
  reject(error: Error): void;
}

/** An answer that came to another replica than the one that asked. */
interface Forwarded {
  readonly answer: ResponseMessage;
  readonly sessionKey: string;
  readonly door: string;
}

const QUESTION_ID = /^([0-9a-f]{10})-\d+$/;

function channelOf(replica: string): string {
  return `answers:${replica}`;
}

/**
 * Requests of ours that legacy clients have yet to answer. Their ids name this replica, and an answer counts only in
 * the session that was asked (D-6).
 */
@Injectable()
export class ClientQuestions implements OnModuleInit {
  private readonly waiting = new Map<string, Waiting>();
  private asked = 0;

  constructor(
    private readonly security: SecurityLog,
    private readonly bus: Bus,
    private readonly replica: Replica,
    private readonly health: StoreHealth,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(channelOf(this.replica.id), (message) => {
      const { answer, sessionKey, door } = JSON.parse(message) as Forwarded;
      this.take(answer, sessionKey, door);
    });
  }

  /** Answers that are owed to us. */
  get count(): number {
    return this.waiting.size;
  }

  /** @returns an id that no other question has, on any replica */
  nextId(): string {
    this.asked += 1;
    return `${this.replica.id}-${this.asked}`;
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

  /**
   * Hands an answer to whoever waits for it, at whichever replica; one that nobody is owed is dropped with an event.
   * @throws ProtocolError store_unavailable: whoever waits for it cannot be reached now
   */
  settle(answer: ResponseMessage, session: Session | undefined, door: string): void {
    const [, replica] = QUESTION_ID.exec(String(answer.id)) ?? [];
    if (!session || replica === undefined || replica === this.replica.id) {
      this.take(answer, session?.key, door);
      return;
    }
    if (this.health.state === 'down') {
      throw new ProtocolError('store_unavailable', 'The call that asked cannot be reached now: answer again');
    }
    const forwarded: Forwarded = { answer, sessionKey: session.key, door };
    this.bus.publish(channelOf(replica), JSON.stringify(forwarded));
  }

  private take({ id, result, error }: ResponseMessage, sessionKey: string | undefined, door: string): void {
    const waiting = this.waiting.get(String(id));
    if (!waiting || waiting.sessionKey !== sessionKey) {
      this.security.emit('invalid_input', { transport: door, error: 'An answer that nobody is owed' });
      return;
    }
    if (error) waiting.reject(new ToolError(`The client could not answer: ${printable(error.message)}`));
    else waiting.resolve(result ?? {});
  }
}
