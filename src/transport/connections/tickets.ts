import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Principal, Revocations } from '../../auth/index.js';
import { Clock, ProtocolError } from '../../common/index.js';
import { Sealer } from '../../session/index.js';
import { DurableStore } from '../../store/index.js';

/** Time that a page has between getting its ticket and opening its WebSocket. */
export const TICKET_LIVES_MS = 30_000;
const NAMESPACE = 'tickets';
const MAX_CHARS = 4_096;

/** What a page gets in exchange for a credential that it cannot send with a WebSocket. */
export interface Ticket {
  /** Goes into the sub-protocol `ticket.<id>`: base64url, <= 4,096 characters. */
  readonly id: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
}

interface Sealed {
  readonly nonce: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly principal: Principal;
}

/**
 * Tickets for clients that can send no header: sealed, so that any replica opens them, good for 30 s and for one
 * connection. Whoever gives one out has checked the credential; what it opens ends when that credential does.
 * @see DESIGN D-7, D-18; S2-8
 */
@Injectable()
export class Tickets {
  private readonly redeeming = new Set<string>();

  constructor(
    private readonly sealer: Sealer,
    private readonly store: DurableStore,
    private readonly revocations: Revocations,
    private readonly clock: Clock,
  ) {}

  /** @throws ProtocolError invalid_request: the principal does not fit into a ticket */
  issue(principal: Principal): Ticket {
    const issuedAt = this.clock.now();
    const expiresAt = Math.min(issuedAt + TICKET_LIVES_MS, principal.expiresAt ?? Number.POSITIVE_INFINITY);
    const sealed: Sealed = { nonce: randomUUID(), issuedAt, expiresAt, principal };
    const id = this.sealer.seal('ticket', Buffer.from(JSON.stringify(sealed)));
    if (id.length <= MAX_CHARS) return { id, expiresAt };
    throw new ProtocolError('invalid_request', 'The roles and scopes of this credential do not fit into a ticket');
  }

  /**
   * Takes a ticket, once.
   * @param id anything that a caller sent
   * @throws ProtocolError auth_failed: forged, expired, used up, and of a credential that was revoked are one and the same
   * @throws Error the store could not note that the ticket is used up
   */
  async redeem(id: string): Promise<Principal> {
    const ticket = this.open(id);
    // Before the store is asked: of two that come at once, one gets in.
    if (!ticket || this.redeeming.has(ticket.nonce)) throw noTicket();
    const { nonce, issuedAt, expiresAt, principal } = ticket;
    this.redeeming.add(nonce);
    try {
      const isFirst = await this.store.putIfAbsent({ namespace: NAMESPACE, key: nonce, value: true, expiresAt });
      if (!isFirst || this.revocations.isRevoked(principal, issuedAt)) throw noTicket();
    } finally {
      this.redeeming.delete(nonce);
    }
    return Object.freeze(principal);
  }

  private open(id: string): Sealed | undefined {
    const bytes = this.sealer.open('ticket', id, MAX_CHARS);
    if (!bytes) return undefined;
    const ticket = JSON.parse(bytes.toString('utf8')) as Sealed;
    return ticket.expiresAt > this.clock.now() ? ticket : undefined;
  }
}

function noTicket(): ProtocolError {
  return new ProtocolError('auth_failed', 'Authentication failed');
}
