import type { GatehouseError, JsonObject } from '../common/index.js';

/** What a client may be able to do for a tool. */
export type ClientCapability = 'elicitation' | 'elicitation.url' | 'sampling' | 'sampling.tools' | 'roots';

/** Something that only the client can answer. */
export interface ClientQuestion {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list';
  readonly params: JsonObject | undefined;
  readonly needs: ClientCapability;
  /** @returns what is wrong with an answer, or undefined */
  readonly faultOf: (answer: JsonObject) => string | undefined;
}

/** How a running call talks to its client. Era and transport stay unseen. */
export interface ClientPort {
  /** Whether the caller asked for progress. */
  readonly wantsProgress: boolean;
  /** Whether the call goes on from an earlier round, which was counted. */
  readonly isRetry: boolean;
  /** Set once the work has to wait for the client in a round of its own: what it returns then counts for nothing. */
  readonly suspension: GatehouseError | undefined;

  progress(progress: number, total: number | undefined, message: string | undefined): void;
  log(level: string, data: unknown, logger: string | undefined): void;
  notify(method: string, params: JsonObject | undefined): void;
  supports(capability: ClientCapability): boolean;

  /**
   * Asks the client, once per key.
   * @param signal ends the wait
   * @throws ProtocolError missing_capability; input_required where the answer comes in another round
   */
  ask(key: string, question: ClientQuestion, signal: AbortSignal): Promise<JsonObject>;

  /** Does the work once per key, however many rounds the call takes. */
  once<T>(key: string, work: () => T | Promise<T>): Promise<T>;

  /** Lets the call outlive its request, where the client knows tasks; does nothing elsewhere. */
  becomeTask(): Promise<void>;

  /** Closes the stream of the answer where the client can come back for it; does nothing elsewhere. */
  closeStream(): void;
}
