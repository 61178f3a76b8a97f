import { Inject, Injectable, Logger } from '@nestjs/common';
import { isGatehouseError, isJsonObject, type JsonObject, newRequestId, ProtocolError } from '../common/index.js';
import { eraOf, progressTokenOf, readEnvelope, type RequestMessage, SerializedResult } from '../protocol/index.js';
import { CallScope, type ClientPort, type TraceContext } from '../tools/index.js';
import { callerKey } from './caller-key.js';
import { LegacyClient } from './client/legacy-client.js';
import { ModernClient } from './client/modern-client.js';
import { ClientQuestions } from './client-questions.js';
import type { Exchange } from './exchange.js';
import { type MethodCall, MethodHandler } from './method-handler.js';
import { InitializeHandler } from './methods/initialize.handler.js';
import { objectParam } from './params.js';
import { legacyPeer, modernPeer, type Peer } from './peer.js';
import { errorReply, type Reply, successReply } from './reply.js';
import { FIRST_ROUND, Rounds } from './rounds.js';
import { ServerIdentity } from './server-identity.js';
import type { RunningCalls } from './running-calls.js';
import { RunningRequests } from './running-requests.js';

/** DI token of all {@link MethodHandler}s. */
export const METHOD_HANDLERS = Symbol('METHOD_HANDLERS');

/** `_meta` key by which a caller asks for a deadline of its own, ms. */
const TIMEOUT_META = 'mcp-gatehouse/timeoutMs';

/** `_meta` key by which a caller names a call, so that a repeat of it does not run again (D-15). */
const IDEMPOTENCY_META = 'mcp-gatehouse/idempotencyKey';
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

/** Methods of 2026-07-28 that may ask the client for input. @see MCP 2026-07-28, basic/patterns/mrtr, "Supported Requests" */
const MULTI_ROUND: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** A request, with what was found out about it so far. */
interface Incoming {
  readonly request: RequestMessage;
  readonly exchange: Exchange;
  readonly requestId: string;
}

/** Serves one request in its era. Nothing that is thrown below gets past. */
@Injectable()
export class RequestServer {
  private readonly logger = new Logger(RequestServer.name);
  private readonly legacy = new Map<string, MethodHandler>();
  private readonly modern = new Map<string, MethodHandler>();

  constructor(
    @Inject(METHOD_HANDLERS) handlers: readonly MethodHandler[],
    private readonly initialize: InitializeHandler,
    private readonly questions: ClientQuestions,
    private readonly rounds: Rounds,
    private readonly identity: ServerIdentity,
    private readonly requests: RunningRequests,
  ) {
    for (const handler of handlers) {
      for (const [method, eras] of Object.entries(handler.methods)) {
        if (eras !== 'modern') this.legacy.set(method, handler);
        if (eras !== 'legacy') this.modern.set(method, handler);
      }
    }
  }

  /** @returns the answer; undefined where the caller wants none any more */
  async serve(request: RequestMessage, exchange: Exchange): Promise<Reply | undefined> {
    const requestId = newRequestId();
    const era = eraOf(request);
    try {
      const incoming = { request, exchange, requestId };
      return await (era === 'modern' ? this.serveModern(incoming) : this.serveLegacy(incoming));
    } catch (error) {
      return this.failed(request, error, { requestId, era });
    }
  }

  private async serveLegacy(incoming: Incoming): Promise<Reply> {
    const { request, exchange } = incoming;
    if (request.method === 'initialize')
      return successReply(request.id, await this.initialize.handle(request, exchange));
    const { session } = exchange;
    if (!session) {
      if (request.method === 'ping') return successReply(request.id, {});
      throw new ProtocolError('not_initialized', 'Not initialized: send initialize first');
    }
    const handler = handlerOf(this.legacy, request.method);
    const peer = legacyPeer(session, progressTokenOf(metaOf(request.params)));
    const call = this.open(incoming, peer, new LegacyClient(exchange, peer, this.questions, session));
    return successReply(request.id, await this.run(handler, call, session));
  }

  private async serveModern(incoming: Incoming): Promise<Reply> {
    const { request, exchange } = incoming;
    const peer = modernPeer(readEnvelope(request.params));
    const handler = handlerOf(this.modern, request.method);
    const owner = { principal: exchange.principal, method: request.method, params: request.params ?? {} };
    const isRetry =
      MULTI_ROUND.has(request.method) && ('requestState' in owner.params || 'inputResponses' in owner.params);
    const round = isRetry ? await this.rounds.enter(owner) : FIRST_ROUND;
    const client = new ModernClient(exchange, peer, round);
    const call = this.open(incoming, peer, client);
    let isLast = false;
    try {
      const result = await this.run(handler, call, exchange.calls);
      isLast = true;
      return this.modernReply(request, result);
    } catch (error) {
      if (!isGatehouseError(error) || error.kind !== 'input_required') throw error;
      return this.modernReply(request, client.inputRequired(this.rounds, owner));
    } finally {
      if (isRetry) await this.rounds.leave(round, isLast);
    }
  }

  /** A result that was serialised beforehand has what it needs. */
  private modernReply({ id }: RequestMessage, result: JsonObject | SerializedResult): Reply {
    return successReply(id, result instanceof SerializedResult ? result : this.identity.sealed(result));
  }

  private async run(
    handler: MethodHandler,
    call: MethodCall,
    calls: RunningCalls,
  ): Promise<JsonObject | SerializedResult> {
    const running = { id: call.request.id, scope: call.scope, calls };
    this.requests.begin(running);
    try {
      const result = handler.handle(call);
      return result instanceof Promise ? await result : result;
    } finally {
      this.requests.finish(running);
    }
  }

  private open({ request, exchange, requestId }: Incoming, peer: Peer, client: ClientPort): MethodCall {
    const meta = request.params?.['_meta'];
    const timeout = isJsonObject(meta) ? meta[TIMEOUT_META] : undefined;
    const scope = new CallScope({
      requestId,
      principal: exchange.principal,
      callerKey: callerKey(exchange),
      door: exchange.door,
      sessionHash: peer.sessionHash,
      timeoutMs: typeof timeout === 'number' && timeout >= 1 ? timeout : undefined,
      client,
      idempotencyKey: isJsonObject(meta) && IDEMPOTENCY_META in meta ? idempotencyKeyOf(meta) : undefined,
      trace: isJsonObject(meta) && 'traceparent' in meta ? traceOf(meta) : undefined,
    });
    return { request, params: request.params ?? {}, exchange, peer, scope };
  }

  private failed(
    request: RequestMessage,
    error: unknown,
    where: { readonly requestId: string; readonly era: 'legacy' | 'modern' },
  ): Reply | undefined {
    if (!isGatehouseError(error)) return this.unforeseen(request, error, where);
    if (error.kind === 'cancelled') return undefined;
    try {
      return errorReply(request.id, error, where);
    } catch (fault) {
      // What the error carries is no JSON.
      return this.unforeseen(request, fault, where);
    }
  }

  private unforeseen(
    request: RequestMessage,
    error: unknown,
    where: { readonly requestId: string; readonly era: 'legacy' | 'modern' },
  ): Reply {
    const { requestId } = where;
    const stack = error instanceof Error ? error.stack : String(error);
    this.logger.error(`${request.method} failed, request ${requestId}`, stack);
    return errorReply(request.id, { kind: 'internal', message: 'Internal error' }, where);
  }
}

/** @throws ProtocolError method_not_found */
function handlerOf(handlers: ReadonlyMap<string, MethodHandler>, method: string): MethodHandler {
  const handler = handlers.get(method);
  if (!handler) throw new ProtocolError('method_not_found', `Method not found: ${method}`);
  return handler;
}

const NO_META: JsonObject = Object.freeze({});

/** @throws ProtocolError invalid_params */
function metaOf(params: JsonObject | undefined): JsonObject {
  return (params && objectParam(params, '_meta')) ?? NO_META;
}

/** @throws ProtocolError invalid_params: a key that is passed over would let the call run twice */
function idempotencyKeyOf(meta: JsonObject): string {
  const key = meta[IDEMPOTENCY_META];
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key;
  throw new ProtocolError(
    'invalid_params',
    `Invalid params: ${IDEMPOTENCY_META} must be 1 to 128 characters of visible ASCII`,
  );
}

/** Only what has the form of a text is handed on: what it says is for whoever reads it. */
function traceOf(meta: JsonObject): TraceContext {
  const fields = ['traceparent', 'tracestate', 'baggage'].filter((field) => typeof meta[field] === 'string');
  return Object.fromEntries(fields.map((field) => [field, meta[field]]));
}
