import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Announcements, type Door } from '../../dispatch/index.js';
import { RateLimiter } from '../../limits/index.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { ConnectionAdmission, type ConnectionDoor } from './connection-admission.js';
import { ConnectionJournal } from './connection-journal.js';
import { BROKEN, ENDING } from './ending.js';

const SWEEP_MS = 1_000;
/** Time that a client gets to answer our goodbye. */
const LINGER_MS = 2_000;
/** Time in which a client must have read something of what waits for it (S0-13). */
const STALL_MS = 30_000;
const LOOK_MS = 20;

/** A socket that is on its way out. */
interface Lingering {
  once(event: 'close', listener: () => void): unknown;
  destroy(): void;
}

/**
 * The open connections of every door that holds some. One timer looks after all of them: who is idle, who is dead, who
 * does not read, who never proved itself; and tells the operator how many there are.
 */
@Injectable()
export class Connections implements OnModuleInit, OnApplicationShutdown, Iterable<DuplexConnection> {
  private readonly logger = new Logger('Connections');
  private readonly open = new Set<DuplexConnection>();
  private readonly idleAfterMs: Readonly<Record<Door, number>>;
  private readonly leaving = new Set<{ readonly socket: Lingering; readonly at: number }>();
  private timer: NodeJS.Timeout | undefined;
  private idleCheckedAt = 0;
  private toldAt: number;
  private dead = 0;

  constructor(
    readonly journal: ConnectionJournal,
    private readonly announcements: Announcements,
    private readonly rates: RateLimiter,
    private readonly admission: ConnectionAdmission,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {
    const { wsIdleTimeoutMs: websocket, tcpIdleTimeoutMs: tcp } = config.limits;
    // A stream of events that is quiet is what it is for; its keep-alives find out that the peer is gone.
    this.idleAfterMs = { websocket, tcp, sse: 0, http: 0, stdio: 0 };
    this.toldAt = clock.monotonic();
  }

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** The doors have sent everybody away by now; whoever was on the way in is cut off. */
  onApplicationShutdown(): void {
    clearInterval(this.timer);
    for (const connection of this.open) connection.cut(ENDING.shutdown);
    for (const { socket } of this.leaving) socket.destroy();
  }

  /** Clients that are connected. */
  get count(): number {
    return this.open.size;
  }

  /** Clients that stopped answering pings and were dropped, since the start (S0-31). */
  get deadCount(): number {
    return this.dead;
  }

  countOf(door: Door): number {
    return this.at(door).length;
  }

  [Symbol.iterator](): IterableIterator<DuplexConnection> {
    return this.open.values();
  }

  add(connection: DuplexConnection): void {
    this.open.add(connection);
    this.journal.connecting(connection);
  }

  /** Destroys a socket that is refused, unless it closes within a little while: time to read why. */
  linger(socket: Lingering): void {
    const leaving = { socket, at: this.clock.monotonic() };
    this.leaving.add(leaving);
    socket.once('close', () => this.leaving.delete(leaving));
  }

  /** Takes a connection whose socket is closed out of the books. */
  remove(connection: DuplexConnection): void {
    if (!this.open.delete(connection)) return;
    connection.place?.release();
    this.journal.closed(connection, this.clock.monotonic() - connection.openedAt);
  }

  /**
   * Says something to every client that is connected and takes such, whatever the door (S0-17).
   * @returns how many were told
   */
  notifyAll(message: string): number {
    return this.announcements.notice(message);
  }

  /** Takes no new connections, at any door: the server ends. */
  stopAdmitting(): void {
    this.admission.close();
  }

  /**
   * Says goodbye to the clients of a door: at once to those who wait for nothing, to the others when they have what they
   * wait for.
   * @returns when it is said to all
   */
  async drain(door: ConnectionDoor): Promise<void> {
    for (;;) {
      const waiting = this.at(door).filter(({ ended }) => !ended);
      for (const connection of waiting) if (!connection.isServing) connection.close(ENDING.shutdown);
      if (waiting.every(({ ended }) => ended)) return;
      await pause(LOOK_MS, undefined, { ref: false });
    }
  }

  /** Says goodbye to all the clients of a door, and waits a little while for them to go. */
  async closeAll(door: ConnectionDoor): Promise<void> {
    for (const connection of this.at(door)) connection.close(ENDING.shutdown);
    for (let waited = 0; this.countOf(door) > 0 && waited < LINGER_MS; waited += LOOK_MS) await pause(LOOK_MS);
    for (const connection of this.at(door)) connection.wire.destroy();
  }

  sweep(): void {
    const now = this.clock.monotonic();
    this.admission.sweep();
    for (const { socket, at } of this.leaving) if (now - at >= LINGER_MS) socket.destroy();
    const isIdleDue = now - this.idleCheckedAt >= this.config.limits.idleCheckIntervalMs;
    if (isIdleDue) this.idleCheckedAt = now;
    for (const connection of this.open) {
      try {
        this.look(connection, now, isIdleDue);
      } catch (error) {
        this.logger.error('A connection could not be looked after', error instanceof Error ? error.stack : error);
        connection.wire.destroy();
      }
    }
    if (now - this.toldAt < this.config.limits.monitorIntervalMs) return;
    this.toldAt = now;
    this.journal.status(this.open.size, this.rates.callersOver(0.5));
  }

  private at(door: Door): readonly DuplexConnection[] {
    return [...this.open].filter((connection) => connection.door === door);
  }

  private look(connection: DuplexConnection, now: number, isIdleDue: boolean): void {
    const { ended, wire } = connection;
    if (ended) {
      if (now - ended.at >= LINGER_MS) wire.destroy();
      return;
    }
    const idleMs = now - connection.noteActivity(now);
    if (!connection.isProven) this.awaitProof(connection, now);
    else if (this.isStalled(connection, now)) connection.cut(ENDING.unread);
    else if (!wire.beat(now)) this.bury(connection);
    else if (isIdleDue) this.closeIfIdle(connection, idleMs);
  }

  private awaitProof(connection: DuplexConnection, now: number): void {
    const waitedMs = now - connection.openedAt;
    if (waitedMs < this.config.limits.authTimeoutMs) return;
    this.journal.timedOut(connection, waitedMs);
    connection.close(ENDING.unproven);
  }

  private isStalled(connection: DuplexConnection, now: number): boolean {
    if (connection.wire.takeWasRead()) connection.stalledSince = undefined;
    else connection.stalledSince ??= now;
    return connection.stalledSince !== undefined && now - connection.stalledSince >= STALL_MS;
  }

  private closeIfIdle(connection: DuplexConnection, idleMs: number): void {
    const afterMs = this.idleAfterMs[connection.door];
    if (afterMs === 0 || idleMs < afterMs || !connection.isQuiet) return;
    this.journal.timedOut(connection, idleMs);
    connection.close(ENDING.idle);
  }

  /** The peer is gone, and its socket does not know. */
  private bury(connection: DuplexConnection): void {
    this.dead += 1;
    this.journal.failed(connection, 'No answer to a ping');
    connection.cut(BROKEN);
  }
}
