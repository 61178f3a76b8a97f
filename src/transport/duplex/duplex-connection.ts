import { randomBytes } from 'node:crypto';
import type { Principal } from '../../auth/index.js';
import { ConnectionCalls, type Door, Exchange, type Reply } from '../../dispatch/index.js';
import { isInitialize } from '../../protocol/index.js';
import type { SessionOrigin } from '../../session/index.js';
import type { Place } from '../connections/connection-admission.js';
import { BROKEN, ENDING, type Ending, LEFT } from '../connections/ending.js';
import type { Wire } from '../connections/wire.js';
import type { ConnectionParts, ConnectionPeer, ConnectionState, ConnectionTies, Inbound } from './connection-parts.js';
import { isAuthenticate } from './greeting.js';

/** Who serves what comes over connections. */
export abstract class ConnectionHost {
  /** Monotonic ms. */
  abstract now(): number;
  /** Serves what a client says that has yet to prove itself, or proves itself again. */
  abstract greet(inbound: Inbound, connection: DuplexConnection): Promise<void>;
  /** @returns the answer; undefined where none is owed */
  abstract serve(inbound: Inbound, connection: DuplexConnection): Promise<Reply | undefined>;
  /** A message was served, and its answer is about to be sent. */
  abstract served(reply: Reply | undefined, connection: DuplexConnection): void;
  /** What was thrown while a message was served is a defect. */
  abstract failed(error: unknown, connection: DuplexConnection): void;
  /** The connection is over: nothing more comes or goes. */
  abstract ended(connection: DuplexConnection): void;
  /** The socket is closed. */
  abstract gone(connection: DuplexConnection): void;
}

/** Why nothing is taken from a client for now. */
const ORDER = 1;
const UNREAD = 2;

/**
 * One client of a door where messages go both ways for as long as it is there: stdio, WebSocket, TCP, legacy SSE. Its
 * session, where it opens one, and its calls live and die with it (D-3, D-7). What comes is served at once, side by side
 * (W-14), save that an `initialize` is done before the next message is looked at, and that nothing is taken from a
 * client that does not read (S0-13).
 */
export class DuplexConnection extends Exchange {
  override readonly isSealed = false;
  override readonly calls = new ConnectionCalls();
  /** Stands for the connection in logs. */
  readonly id = randomBytes(8).toString('hex');
  /** Monotonic ms. */
  readonly openedAt: number;
  /** Monotonic ms at which a message was last known to have gone either way; kept by {@link noteActivity}. */
  activeAt: number;
  /** Monotonic ms since when the client has read nothing of what waits for it; kept by whoever looks. */
  stalledSince: number | undefined;
  /** What is undone when it ends; kept by the host. */
  readonly ties: ConnectionTies = {};

  private proven: Principal | undefined;
  private held: Inbound[] | undefined;
  private holds = 0;
  private serving = 0;
  private over: { readonly ending: Ending; readonly at: number; readonly byServer: boolean } | undefined;
  private isGone = false;
  private wasActive = false;
  private waiters: (() => void)[] = [];

  constructor(
    private readonly parts: ConnectionParts,
    private readonly host: ConnectionHost,
  ) {
    super();
    this.openedAt = this.activeAt = host.now();
    parts.wire.whenRead(() => this.release(UNREAD));
  }

  override get door(): Door {
    return this.parts.door;
  }

  override get principal(): Principal {
    if (!this.proven) throw new Error('Nobody has proved to be on this connection');
    return this.proven;
  }

  /** Names the peer: `address:port`. */
  override get connectionKey(): string {
    const { address, port } = this.peer;
    if (address === undefined) return this.door;
    return `${address.includes(':') ? `[${address}]` : address}:${port ?? 0}`;
  }

  override get clientId(): string {
    return this.id;
  }

  override get origin(): SessionOrigin {
    const { address, userAgent } = this.peer;
    return { door: this.door, address, userAgent };
  }

  get peer(): ConnectionPeer {
    return this.parts.peer;
  }

  get wire(): Wire {
    return this.parts.wire;
  }

  get place(): Place | undefined {
    return this.parts.place;
  }

  get takesAuthenticate(): boolean {
    return this.parts.takesAuthenticate === true;
  }

  get isProven(): boolean {
    return this.proven !== undefined;
  }

  get state(): ConnectionState {
    if (this.over) return 'disconnected';
    return this.proven ? 'connected' : 'connecting';
  }

  /** How it ended, and since when, monotonic ms; undefined while it goes on. */
  get ended(): { readonly ending: Ending; readonly at: number; readonly byServer: boolean } | undefined {
    return this.over;
  }

  /** Messages that were taken and wait for their turn. */
  get heldCount(): number {
    return this.held?.length ?? 0;
  }

  /** Calls that run, of either era. */
  get runningCount(): number {
    return this.calls.runningCount + (this.session?.runningCount ?? 0);
  }

  /** Whether the client waits for something: an answer, or the end of a call. */
  get isServing(): boolean {
    return this.serving > 0 || this.runningCount > 0;
  }

  /** Whether there is nothing for which it should stay open but messages to come (D-24). */
  get isQuiet(): boolean {
    return !this.isServing && (this.session?.subscriptions.size ?? 0) === 0;
  }

  /** @returns when more may be taken from the client; undefined where that is now */
  get ready(): Promise<void> | undefined {
    if (this.holds === 0 || this.over) return undefined;
    return this.change();
  }

  /** Says who is there. */
  prove(principal: Principal): void {
    this.proven = principal;
  }

  /** Serves what the client sent. */
  receive(inbound: Inbound): void {
    if (this.over) return;
    if (this.holds === 0) this.take(inbound);
    else (this.held ??= []).push(inbound);
  }

  /** What is owed to a client that said that nothing more comes of it is still sent, while there is a way. */
  override send(text: string): void {
    if (this.isGone || this.over?.byServer) return;
    const { wire } = this;
    // What is about to be sent does not count: one answer may be larger than what is to wait.
    if (wire.unreadBytes > (this.parts.maxUnreadBytes ?? Number.POSITIVE_INFINITY)) {
      this.close(ENDING.unread);
      return;
    }
    this.wasActive = true;
    wire.send(text);
    if (wire.isFull) this.hold(UNREAD);
  }

  /** There is one channel: nothing to close. */
  override closeStream(): void {
    return undefined;
  }

  /** @returns since when, monotonic ms, no message went either way */
  noteActivity(now: number): number {
    if (this.wasActive || this.serving > 0) this.activeAt = now;
    this.wasActive = false;
    return this.activeAt;
  }

  /** Ends it from this side. */
  close(ending: Ending): void {
    if (!this.finish(ending, true)) return;
    this.wire.close(ending);
  }

  /** Ends it from this side, where a goodbye would not be heard. */
  cut(ending: Ending): void {
    this.finish(ending, true);
    this.wire.destroy();
  }

  /** The client said that nothing more comes of it: what runs for it ends (D-3). */
  leaving(): void {
    this.finish(LEFT, false);
  }

  /** The connection is closed, or broke: what runs for the client ends (D-3). */
  left(ending: Ending = BROKEN): void {
    this.finish(ending, false);
    if (this.isGone) return;
    this.isGone = true;
    this.host.gone(this);
  }

  /** Waits until everything that was taken is served. */
  async settled(): Promise<void> {
    while (this.serving > 0) await this.change();
  }

  private take(inbound: Inbound): void {
    if (!this.proven || (this.takesAuthenticate && isAuthenticate(inbound))) void this.inOrder(this.greet(inbound));
    else if (isInitialize(inbound)) void this.inOrder(this.answer(inbound));
    else void this.answer(inbound);
  }

  /** Looks at nothing else until this is done. */
  private async inOrder(work: Promise<void>): Promise<void> {
    this.hold(ORDER);
    await work;
    this.release(ORDER);
  }

  private async greet(inbound: Inbound): Promise<void> {
    this.begin();
    try {
      await this.host.greet(inbound, this);
    } catch (error) {
      this.host.failed(error, this);
    }
    this.done();
  }

  private async answer(inbound: Inbound): Promise<void> {
    this.begin();
    try {
      const reply = await this.host.serve(inbound, this);
      this.host.served(reply, this);
      if (reply) this.send(reply.text);
    } catch (error) {
      this.host.failed(error, this);
    }
    this.done();
  }

  private begin(): void {
    this.wasActive = true;
    this.serving += 1;
  }

  private done(): void {
    this.wasActive = true;
    this.serving -= 1;
    if (this.serving === 0) this.wake();
  }

  private hold(why: number): void {
    if (this.holds === 0) this.wire.pause();
    this.holds |= why;
  }

  private release(why: number): void {
    if ((this.holds & why) === 0 || (why === UNREAD && this.wire.isFull)) return;
    this.holds &= ~why;
    while (this.holds === 0 && !this.over && this.held?.length) this.take(this.held.shift() as Inbound);
    if (this.holds !== 0 || this.over) return;
    this.wire.resume();
    this.wake();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  private finish(ending: Ending, byServer: boolean): boolean {
    if (this.over) return false;
    this.over = { ending, at: this.host.now(), byServer };
    this.held = undefined;
    this.host.ended(this);
    this.wake();
    return true;
  }
}
