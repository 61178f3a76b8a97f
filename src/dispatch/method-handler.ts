import type { JsonObject } from '../common/index.js';
import type { RequestMessage, SerializedResult } from '../protocol/index.js';
import type { Session } from '../session/index.js';
import type { CallScope } from '../tools/index.js';
import type { Exchange } from './exchange.js';
import type { Peer } from './peer.js';

/** A request on its way: what a handler may know of it. */
export interface MethodCall {
  readonly request: RequestMessage;
  /** `params`, an empty object where there are none. */
  readonly params: JsonObject;
  readonly exchange: Exchange;
  readonly peer: Peer;
  /** Ends early when the caller cancels or leaves. */
  readonly scope: CallScope;
}

/** Eras in which a method exists. */
export type MethodEras = 'both' | 'legacy' | 'modern';

/** Serves the methods that it names. */
export abstract class MethodHandler {
  /** Methods by name, with the eras in which they exist. */
  abstract readonly methods: Readonly<Record<string, MethodEras>>;

  /**
   * @returns the result
   * @throws ProtocolError what the method refuses
   */
  abstract handle(call: MethodCall): JsonObject | SerializedResult | Promise<JsonObject | SerializedResult>;
}

/** @returns the session of a call of the legacy era, where there always is one */
export function sessionOf({ exchange }: MethodCall): Session {
  return exchange.session as Session;
}
