import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import type { Principal } from '../../auth/index.js';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import type { Door } from '../../dispatch/index.js';
import { AddressBlocks, addressKey, RateLimiter } from '../../limits/index.js';

/** Doors whose clients hold a connection for as long as they are there. */
export type ConnectionDoor = Exclude<Door, 'stdio' | 'http'>;

/** Why a connection is not taken: each door says it in its own words (REQUIREMENTS 6.4). */
export interface ConnectionRefusal {
  readonly kind: 'blocked' | 'connection_limit' | 'rate_limited' | 'shutting_down';
  /** When it may succeed, ms from now. */
  readonly retryAfterMs?: number | undefined;
}

/** A place that a connection holds until it is given back. */
export interface Place {
  readonly door: ConnectionDoor;
  /**
   * Counts the connection as one of a principal.
   * @returns false where the principal has as many as it may
   */
  readonly claim: (principal: Principal) => boolean;
  /** Gives the place back; once is enough. */
  readonly release: () => void;
}

/** WebSocket and SSE have one cap together (K-12). */
const CAP_OF = { websocket: 'web', sse: 'web', tcp: 'tcp' } as const satisfies Record<ConnectionDoor, string>;

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

  /** @returns the block of an address, with its event; loopback never has one */
  refusalOf(address: string | undefined, door: Door): ConnectionRefusal | undefined {
    const block = this.blocks.blockOf(address);
    if (!block) return undefined;
    this.security.emit('blocked_connection', { transport: door, ip: address, untilMs: block.until });
    return { kind: 'blocked', retryAfterMs: Math.max(0, block.until - this.clock.now()) };
  }

  /** @param address of the client, behind trusted proxies */
  admit(door: ConnectionDoor, address: string | undefined): Place | ConnectionRefusal {
    if (this.isClosed) return { kind: 'shutting_down' };
    const blocked = this.refusalOf(address, door);
    if (blocked) return blocked;
    const cap = CAP_OF[door];
    const isFull = this.taken.web + this.taken.tcp >= this.caps.all || this.taken[cap] >= this.caps[cap];
    if (isFull) return this.full(door, address, Math.min(this.caps.all, this.caps[cap]));
    const rate = this.rates.takeConnection(addressKey(address));
    if (!rate.isAllowed) return this.tooOften(door, address, rate.retryAfterMs);
    this.taken[cap] += 1;
    return this.place(door);
  }

  private place(door: ConnectionDoor): Place {
    let owner: string | undefined;
    let isHeld = true;
    return {
      door,
      claim: (principal) => {
        const key = keyOf(principal);
        if (!isHeld || key === owner) return isHeld;
        if (!this.isRoomFor(key)) return false;
        if (owner !== undefined) this.forget(owner);
        owner = key;
        if (key !== undefined) this.byPrincipal.set(key, (this.byPrincipal.get(key) ?? 0) + 1);
        return true;
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.taken[CAP_OF[door]] -= 1;
        if (owner !== undefined) this.forget(owner);
      },
    };
  }

  private isRoomFor(key: string | undefined): boolean {
    return key === undefined || (this.byPrincipal.get(key) ?? 0) < this.maxPerPrincipal;
  }

  private forget(key: string): void {
    const left = (this.byPrincipal.get(key) ?? 1) - 1;
    if (left > 0) this.byPrincipal.set(key, left);
    else this.byPrincipal.delete(key);
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
