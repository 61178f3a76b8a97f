import { createHash, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/index.js';
import { canonicalJson, Clock, isJsonObject, type JsonObject, ProtocolError, ToolError } from '../common/index.js';
import { Sealer } from '../session/index.js';
import { DurableStore, Replicas } from '../store/index.js';

const LIVES_MS = 600_000;
const MAX_CHARS = 16_384;
const NAMESPACE = 'rounds';
const RUNNING = 'rounds-running';

/** One request of 2026-07-28 that takes several rounds: what it knows from the earlier ones. */
export interface Round {
  readonly callId: string;
  /** 0 is the first. */
  readonly number: number;
  /** What the client answered so far, by key. */
  readonly answers: JsonObject;
  /** What was done once, by key. */
  readonly done: JsonObject;
}

interface Sealed extends Round {
  readonly subject: string;
  readonly request: string;
  readonly expiresAt: number;
}

/** The first round of any request: it knows nothing yet, and has a name only when there is another. */
export const FIRST_ROUND: Round = Object.freeze({ callId: '', number: 0, answers: {}, done: {} });

/** What a round belongs to: presented by anyone else, or on any other request, a state opens nothing. */
export interface RoundOwner {
  readonly principal: Principal;
  readonly method: string;
  readonly params: JsonObject;
}

/**
 * The state between rounds: sealed, carried by the client, good for its subject and its request alone, for 10 minutes,
 * and for one last round.
 * @see DESIGN D-5; MCP 2026-07-28, basic/patterns/mrtr, "Server Requirements"
 */
@Injectable()
export class Rounds {
  private readonly running = new Set<string>();

  constructor(
    private readonly sealer: Sealer,
    private readonly store: DurableStore,
    private readonly clock: Clock,
    private readonly replicas: Replicas,
  ) {}

  /**
   * Goes on with a request, and keeps any other from doing so until {@link leave}.
   * @throws ProtocolError invalid_params (malformed answers), invalid_state
   */
  async enter(owner: RoundOwner): Promise<Round> {
    const { requestState, inputResponses } = owner.params;
    const given = answersOf(inputResponses);
    if (requestState === undefined) return { ...FIRST_ROUND, answers: given };
    const state = this.open(requestState, owner);
    if (this.running.has(state.callId)) throw invalidState();
    // Before the store is asked: of two that come at once, one gets in.
    this.running.add(state.callId);
    if (!(await this.claim(state.callId))) {
      this.running.delete(state.callId);
      throw invalidState();
    }
    return { callId: state.callId, number: state.number, answers: { ...state.answers, ...given }, done: state.done };
  }

  /** Lets go of a round. @param isLast the request is done: its state is good for nothing any more */
  async leave(round: Round, isLast: boolean): Promise<void> {
    this.running.delete(round.callId);
    if (round.number === 0) return;
    const expiresAt = this.clock.now() + LIVES_MS;
    if (isLast) await this.store.put({ namespace: NAMESPACE, key: round.callId, value: true, expiresAt });
    if (this.replicas.areMany) await this.store.delete(RUNNING, round.callId);
  }

  /**
   * Seals what the next round needs.
   * @throws ToolError it is too large
   */
  seal(round: Round, { principal, method, params }: RoundOwner): string {
    const state: Sealed = {
      ...round,
      callId: round.callId || randomUUID(),
      number: round.number + 1,
      subject: subjectOf(principal),
      request: digest(method, params),
      expiresAt: this.clock.now() + LIVES_MS,
    };
    const text = this.sealer.seal('request-state', Buffer.from(JSON.stringify(state)));
    if (text.length <= MAX_CHARS) return text;
    throw new ToolError('This call holds more between its rounds than the 16 KiB that may be carried.');
  }

  /** Of many that come at once, at whatever replica, one gets in. @returns whether the call may go on here */
  private async claim(callId: string): Promise<boolean> {
    const expiresAt = this.clock.now() + LIVES_MS;
    try {
      if (this.replicas.areMany) {
        const isFirst = await this.store.putIfAbsent({ namespace: RUNNING, key: callId, value: true, expiresAt });
        if (!isFirst) return false;
      }
      return !(await this.store.has(NAMESPACE, callId));
    } catch (error) {
      this.running.delete(callId);
      throw error;
    }
  }

  private open(requestState: unknown, { principal, method, params }: RoundOwner): Sealed {
    const bytes =
      typeof requestState === 'string' ? this.sealer.open('request-state', requestState, MAX_CHARS) : undefined;
    if (!bytes) throw invalidState();
    const state = JSON.parse(bytes.toString('utf8')) as Sealed;
    const isMine = state.subject === subjectOf(principal) && state.request === digest(method, params);
    if (!isMine || state.expiresAt <= this.clock.now()) throw invalidState();
    return state;
  }
}

function subjectOf({ issuer, subject }: Principal): string {
  return `${issuer}\n${subject}`;
}

/** What a request asks for, whatever the order of its keys, without what changes from round to round. */
function digest(method: string, params: JsonObject): string {
  const { _meta: _1, inputResponses: _2, requestState: _3, ...asked } = params;
  return createHash('sha256')
    .update(`${method}\n${canonicalJson(asked)}`)
    .digest('base64url');
}

/** @throws ProtocolError invalid_params */
function answersOf(responses: unknown): JsonObject {
  if (responses === undefined) return {};
  if (isJsonObject(responses) && Object.values(responses).every(isJsonObject)) return responses;
  throw new ProtocolError('invalid_params', 'Invalid params: inputResponses must map each key to an object');
}

/** Tampered, expired, used up and someone else's are one and the same to the caller. */
function invalidState(): ProtocolError {
  return new ProtocolError('invalid_state', 'Invalid request state: send the request again without it');
}
