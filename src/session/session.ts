import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { type GatehouseError, ProtocolError } from '../common/index.js';
import type { LegacyRevision, LogSeverity, RequestId } from '../protocol/index.js';
import type { ClientCapabilities } from './capabilities.js';
import type { ClientInfo } from './client-info.js';
import { LruPlace } from './lru-list.js';
import type { SessionOrigin } from './session-origin.js';
import type { SessionOwner } from './session-owner.js';

/** Why a session ended. After `shutdown` and `elsewhere` its id goes on: the session outlasts the process, or is used at another replica. */
export type SessionEndReason =
  'deleted' | 'disconnected' | 'idle' | 'expired' | 'gave_way' | 'admin' | 'revoked' | 'elsewhere' | 'shutdown';

/** A call that is running in a session. */
export interface InFlightCall {
  /** Ends the call early. */
  abort(cause: GatehouseError): void;
}

/** Closes a stream whose session has ended. */
export type CloseStream = (reason: SessionEndReason) => void;

/** Is told when a session takes up its first work, or has finished its last. */
export interface SessionWatch {
  becameBusy(session: Session): void;
  becameIdle(session: Session): void;
}

/** What a session is made of. */
export interface SessionParts {
  readonly key: string;
  readonly id: string | undefined;
  readonly owner: SessionOwner<Session>;
  readonly watch: SessionWatch;
  readonly revision: LegacyRevision;
  readonly capabilities: ClientCapabilities;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly lastSeenAt: number;
  readonly clientInfo?: ClientInfo | undefined;
  readonly origin?: SessionOrigin | undefined;
  readonly logLevel?: LogSeverity | undefined;
  readonly subscriptions?: readonly string[] | undefined;
}

/** Subscriptions of one session at once. */
export const MAX_SUBSCRIPTIONS = 256;

const logger = new Logger('Session');
const NONE: ReadonlySet<string> = new Set();

/**
 * What is known about one client between its requests. There may be 100,000 of these: whatever most of them never need
 * is made when it is needed, and dropped when it is empty.
 */
export class Session {
  /** 128 random bits, hex: the name of the session in stores. Never leaves the server in the clear. */
  readonly key: string;
  /** The sealed id, or undefined for a session that lives and dies with its connection. */
  readonly id: string | undefined;
  readonly owner: SessionOwner<Session>;
  readonly revision: LegacyRevision;
  readonly clientCapabilities: ClientCapabilities;
  readonly clientInfo: ClientInfo | undefined;
  /** Undefined after a restart, until a request comes. */
  origin: SessionOrigin | undefined;
  /** ms since the epoch. */
  readonly issuedAt: number;
  /** When the session ends, busy or not: ms since the epoch, or Infinity where its connection says when. */
  readonly expiresAt: number;
  /** ms since the epoch; kept by the registry. */
  lastSeenAt: number;
  /** When the store record was written last, ms since the epoch; kept by the records. */
  recordedAt = 0;
  /** Whether the store record is behind; kept by whoever changes or writes it. */
  isDirty = false;
  /** Among all idle sessions, and among those of the owner; kept by the registry. */
  readonly place: LruPlace<Session> = new LruPlace<Session>(this);
  readonly placeOfOwner: LruPlace<Session> = new LruPlace<Session>(this);

  private readonly watch: SessionWatch;
  private level: LogSeverity | undefined;
  private subscribed: Set<string> | undefined;
  private hash: string | undefined = undefined;
  private calls: Map<RequestId, InFlightCall> | undefined = undefined;
  private streams: Set<CloseStream> | undefined = undefined;
  private ended: SessionEndReason | undefined = undefined;

  constructor(parts: SessionParts) {
    this.key = parts.key;
    this.id = parts.id;
    this.owner = parts.owner;
    this.watch = parts.watch;
    this.revision = parts.revision;
    this.clientCapabilities = parts.capabilities;
    this.clientInfo = parts.clientInfo;
    this.origin = parts.origin;
    this.issuedAt = parts.issuedAt;
    this.expiresAt = parts.expiresAt;
    this.lastSeenAt = parts.lastSeenAt;
    this.level = parts.logLevel;
    this.subscribed = parts.subscriptions?.length ? new Set(parts.subscriptions) : undefined;
  }

  /** Stands for the session in logs and in the admin API: 16 hex digits. */
  get idHash(): string {
    return (this.hash ??= hashOfId(this.id ?? this.key));
  }

  get issuer(): string {
    return this.owner.issuer;
  }

  get subject(): string {
    return this.owner.subject;
  }

  /** Least severe log message that the client wants; undefined while it has set none. */
  get logLevel(): LogSeverity | undefined {
    return this.level;
  }

  set logLevel(level: LogSeverity | undefined) {
    this.level = level;
    this.isDirty = true;
  }

  /** URIs of the resources that the client subscribed to. */
  get subscriptions(): ReadonlySet<string> {
    return this.subscribed ?? NONE;
  }

  /** @throws ProtocolError invalid_params: too many subscriptions */
  subscribe(uri: string): void {
    if (this.subscriptions.size >= MAX_SUBSCRIPTIONS && !this.subscriptions.has(uri)) {
      throw new ProtocolError(
        'invalid_params',
        `This session has ${MAX_SUBSCRIPTIONS} subscriptions: unsubscribe first`,
      );
    }
    (this.subscribed ??= new Set()).add(uri);
    this.isDirty = true;
  }

  /** Ends a subscription, which need not exist. */
  unsubscribe(uri: string): void {
    if (!this.subscribed?.delete(uri)) return;
    if (this.subscribed.size === 0) this.subscribed = undefined;
    this.isDirty = true;
  }

  /** Takes over what was set at another replica. */
  adopt(logLevel: LogSeverity | undefined, subscriptions: readonly string[]): void {
    this.level = logLevel;
    this.subscribed = subscriptions.length > 0 ? new Set(subscriptions) : undefined;
  }

  /** Whether the session is over; nothing starts in it any more. */
  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  /** Whether there is a running call, an open stream, or a connection that the session is bound to. */
  get isBusy(): boolean {
    return this.calls !== undefined || this.streams !== undefined || this.id === undefined;
  }

  get runningCount(): number {
    return this.calls?.size ?? 0;
  }

  get streamCount(): number {
    return this.streams?.size ?? 0;
  }

  isRunning(id: RequestId): boolean {
    return this.calls?.has(id) === true;
  }

  /**
   * Notes a call as running, until {@link finish}.
   * @throws ProtocolError duplicate_request_id; session_not_found when the session has ended meanwhile
   */
  begin(id: RequestId, call: InFlightCall): void {
    if (this.isEnded) throw new ProtocolError('session_not_found', 'Session not found: initialize again');
    if (this.isRunning(id)) {
      throw new ProtocolError('duplicate_request_id', `A request with id ${JSON.stringify(id)} is still running`);
    }
    const wasBusy = this.isBusy;
    (this.calls ??= new Map()).set(id, call);
    if (!wasBusy) this.watch.becameBusy(this);
  }

  /** Notes the end of a call; does nothing when it is not running. */
  finish(id: RequestId): void {
    if (!this.calls?.delete(id) || this.calls.size > 0) return;
    this.calls = undefined;
    if (!this.isBusy) this.watch.becameIdle(this);
  }

  /**
   * Aborts one call, at the client's wish.
   * @returns whether it was running
   */
  cancel(id: RequestId, why: string): boolean {
    const call = this.calls?.get(id);
    call?.abort(new ProtocolError('cancelled', `Cancelled: ${why}`));
    return call !== undefined;
  }

  /**
   * Aborts all calls; each is noted as running until it finishes.
   * @returns how many there were
   */
  cancelAll(cause: GatehouseError): number {
    return abortAll(this.calls, cause);
  }

  /**
   * Ties a stream to the session: while it is open the session is busy, and when the session ends it is closed. On a
   * session that has ended already it is closed at once.
   * @returns what to call when the stream has closed, once or more
   */
  attachStream(close: CloseStream): () => void {
    if (this.ended) {
      close(this.ended);
      return () => undefined;
    }
    const wasBusy = this.isBusy;
    // Of its own, so that two streams may be closed by one function.
    const own: CloseStream = (reason) => close(reason);
    (this.streams ??= new Set()).add(own);
    if (!wasBusy) this.watch.becameBusy(this);
    return () => this.detach(own);
  }

  /**
   * Ends the session in this process: aborts its calls and closes its streams. For the session service alone, which
   * keeps the books.
   * @returns how many calls were aborted
   */
  close(reason: SessionEndReason): number {
    const { calls, streams } = this;
    this.ended = reason;
    // Before they are told: whoever finishes in answer must not be noted as idle.
    this.calls = this.streams = undefined;
    const count = abortAll(calls, causeOf(reason));
    forEach([...(streams ?? [])], (close) => close(reason));
    return count;
  }

  private detach(stream: CloseStream): void {
    if (!this.streams?.delete(stream) || this.streams.size > 0) return;
    this.streams = undefined;
    if (!this.isBusy) this.watch.becameIdle(this);
  }
}

/** @returns what stands for a session id in logs: 16 hex digits of its SHA-256 */
export function hashOfId(id: string): string {
  // By way of bytes: a slice of the whole digest would keep all of it alive.
  return createHash('sha256').update(id).digest().toString('hex', 0, 8);
}

function abortAll(calls: ReadonlyMap<RequestId, InFlightCall> | undefined, cause: GatehouseError): number {
  const running = [...(calls?.values() ?? [])];
  forEach(running, (call) => call.abort(cause));
  return running.length;
}

// What one of them throws must not keep the others alive.
function forEach<T>(items: readonly T[], act: (item: T) => void): void {
  for (const item of items) {
    try {
      act(item);
    } catch (error) {
      logger.error('A session could not end its work', error instanceof Error ? error.stack : String(error));
    }
  }
}

function causeOf(reason: SessionEndReason): GatehouseError {
  return reason === 'shutdown'
    ? new ProtocolError('shutting_down', 'The server is shutting down: try again')
    : new ProtocolError('cancelled', 'Cancelled: the session ended');
}
