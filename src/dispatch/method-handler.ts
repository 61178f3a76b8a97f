import type { JsonObject } from '../common/index.js';
import type { RequestMessage, RevisionRules, SerializedResult } from '../protocol/index.js';
import type { Session } from '../session/index.js';
import type { CallScope } from '../tools/index.js';
import type { Exchange } from './exchange.js';

/** A request on its way: what a handler may know of it. */
export interface MethodCall {
  readonly request: RequestMessage;
  /** `params`, an empty object where there are none. */
  readonly params: JsonObject;
  readonly exchange: Exchange;
  readonly session: Session;
  readonly rules: RevisionRules;
  /** Ends early when the caller cancels or leaves. */
  readonly scope: CallScope;
}

/** Serves the methods that it names. */
export abstract class MethodHandler {
  abstract readonly methods: readonly string[];

  /**
   * @returns the result
   * @throws ProtocolError what the method refuses
   */
  abstract handle(call: MethodCall): JsonObject | SerializedResult | Promise<JsonObject | SerializedResult>;
}
