import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import type { Principal } from '../../auth/index.js';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import type { Door } from '../../dispatch/index.js';
import { AddressBlocks, addressKey, RateLimiter } from '../../limits/index.js';
import { setOfPrincipal, SharedConnections } from './shared-connections.js';

/** Doors whose clients hold a connection for as long as they are there. */
export type ConnectionDoor = Exclude<Door, 'stdio' | 'http'>;

/** Why a connection is not taken: each door says it in its own words (REQUIREMENTS 6.4). */
export interface ConnectionRefusal {
  readonly kind: 'blocked' | 'connection_limit' | 'rate_limited' | 'shutting_down';
  /** When it may succeed, ms from now. */
  readonly retryAfterMs?: number | undefined;
}

/** A place that a connection holds until it is given back, at whichever replica it is. */
export interface Place {
  readonly door: ConnectionDoor;
  /**
   * Counts the connection as one of a principal.
   * @returns false where the principal has as many as it may
   */
  readonly claim: (principal: Principal) => Promise<boolean>;
  /** Gives the place back; once is enough. */
  readonly release: () => void;
}

type Cap = 'web' | 'tcp';

/** WebSocket and SSE have one cap together (K-12). */
const CAP_OF = { websocket: 'web', sse: 'web', tcp: 'tcp' } as const satisfies Record<ConnectionDoor, Cap>;
/** The sets that replicas count in together. */
const SETS = { all: 'connections', web: 'connections-web', tcp: 'connections-tcp' } as const;

/**
 * Who may connect: the one implementation for every door that holds connections. Blocks come first, then caps, then how
 * often, so that the 101st client is told of the cap and not of its haste.
 * @see REQUIREMENTS S0-10, S2-15, S2-17, S2-18, K-12, K-13
 */
@Injectable()
export class ConnectionAdmission {
  private readonly taken = { web: 0, tcp: 0 };
  private readonly caps: { readonly all: number; readonly web: number; readonly tcp: number };
  private readonly maxPerPrincipal: number;
  private readonly byPrincipal = new Map<string, number>();
  private closed = false;

  constructor(
    { limits }: AppConfig,
    private readonly blocks: AddressBlocks,
    private readonly rates: RateLimiter,
    private readonly security: SecurityLog,
    private readonly clock: Clock,
    private readonly shared: SharedConnections,
  ) {
    const { maxConnections: all, wsMaxConnections: web = all, tcpMaxConnections: tcp } = limits;
    this.caps = { all, web, tcp };
    this.maxPerPrincipal = limits.maxConnectionsPerPrincipal;
  }

  /** Whether nobody is taken any more. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Takes nobody any more. */
  close(): void {
    this.closed = true;
  }

  /** Keeps what is counted elsewhere, where that is due. */
  sweep(): void {
    this.shared.sweep();
  }

  /** @returns the block of an address, with its event; loopback never has one */
  refusalOf(address: string | undefined, door: Door): ConnectionRefusal | undefined {
    const block = this.blocks.blockOf(address);
    if (!block) return undefined;
    this.security.emit('blocked_connection', { transport: door, ip: address, untilMs: block.until });
    return { kind: 'blocked', retryAfterMs: Math.max(0, block.until - this.clock.now()) };
  }

  /** @param address of the client, behind trusted proxies */
  async admit(door: ConnectionDoor, address: string | undefined): Promise<Place | ConnectionRefusal> {
    if (this.isClosed) return { kind: 'shutting_down' };
    const blocked = this.refusalOf(address, door);
    if (blocked) return blocked;
    const cap = CAP_OF[door];
    const limit = Math.min(this.caps.all, this.caps[cap]);
    if (this.isFull(cap, (max) => max)) return this.full(door, address, limit);
    // Before others are asked: of two that come at once for the last place, one gets it.
    this.taken[cap] += 1;
    const name = this.shared.nextName();
    const place = this.place(door, name);
    const rate = await this.rates.takeConnection(addressKey(address));
    if (!rate.isAllowed) {
      place.release();
      return this.tooOften(door, address, rate.retryAfterMs);
    }
    if (await this.hasRoomEverywhere(name, cap)) return place;
    place.release();
    return this.full(door, address, limit);
  }

  private async hasRoomEverywhere(name: string, cap: Cap): Promise<boolean> {
    const sets = [
      { set: SETS.all, max: this.caps.all },
      { set: SETS[cap], max: this.caps[cap] },
    ];
    const verdict = await this.shared.take(name, sets);
    if (verdict !== 'alone') return verdict === 'held';
    // It counts already: full is what is over the portion.
    this.taken[cap] -= 1;
    const isFull = this.isFull(cap, (max) => this.shared.portionOf(max));
    this.taken[cap] += 1;
    return !isFull;
  }

  private isFull(cap: Cap, portionOf: (max: number) => number): boolean {
    const { all, [cap]: own } = this.caps;
    return this.taken.web + this.taken.tcp >= portionOf(all) || this.taken[cap] >= portionOf(own);
  }

  private place(door: ConnectionDoor, name: string): Place {
    const cap = CAP_OF[door];
    let owner: string | undefined;
    let isHeld = true;
    return {
      door,
      claim: async (principal) => {
        const key = keyOf(principal);
        if (!isHeld || key === owner) return isHeld;
        if (key !== undefined && !(await this.claim(name, key))) return false;
        if (!isHeld) {
          // It was given back meanwhile.
          if (key !== undefined) this.forget(name, key);
          return false;
        }
        if (owner !== undefined) this.forget(name, owner);
        owner = key;
        return true;
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.taken[cap] -= 1;
        this.shared.release(name, [SETS.all, SETS[cap]]);
        if (owner !== undefined) this.forget(name, owner);
      },
    };
  }

  /** Counts a connection as one of a principal. @returns false where it has as many as it may */
  private async claim(name: string, key: string): Promise<boolean> {
    if (!this.isRoomFor(key, this.maxPerPrincipal)) return false;
    this.byPrincipal.set(key, this.countOf(key) + 1);
    const verdict = await this.shared.take(name, [{ set: setOfPrincipal(key), max: this.maxPerPrincipal }]);
    const isOver = verdict === 'alone' && !this.isRoomFor(key, this.shared.portionOf(this.maxPerPrincipal) + 1);
    if (verdict !== 'full' && !isOver) return true;
    this.forget(name, key);
    return false;
  }

  private isRoomFor(key: string, max: number): boolean {
    return this.countOf(key) < max;
  }

  private countOf(key: string): number {
    return this.byPrincipal.get(key) ?? 0;
  }

  private forget(name: string, key: string): void {
    const left = this.countOf(key) - 1;
    if (left > 0) this.byPrincipal.set(key, left);
    else this.byPrincipal.delete(key);
    this.shared.release(name, [setOfPrincipal(key)]);
  }

  private full(door: ConnectionDoor, ip: string | undefined, limit: number): ConnectionRefusal {
    this.security.emit('connection_limit', { transport: door, ip, limit });
    return { kind: 'connection_limit' };
  }

  private tooOften(door: ConnectionDoor, ip: string | undefined, retryAfterMs: number): ConnectionRefusal {
    this.security.emit('rate_limit_exceeded', { transport: door, ip, bucket: 'connections', retryAfterMs });
    return { kind: 'rate_limited', retryAfterMs };
  }
}

export function isRefusal(outcome: Place | ConnectionRefusal): outcome is ConnectionRefusal {
  return 'kind' in outcome;
}

/** Unproven callers are many people under one name: they are not counted as one (D-11). */
function keyOf({ isAuthenticated, issuer, subject }: Principal): string | undefined {
  return isAuthenticated ? `${issuer}\n${subject}` : undefined;
}
