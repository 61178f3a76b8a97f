import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authenticator, CredentialWatch, type Principal, RequestCredentials } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import type { Door } from '../../dispatch/index.js';
import { ClientAddresses } from '../../limits/index.js';
import { keptOrigin, type Session, type SessionOrigin, SessionService } from '../../session/index.js';

const SESSION_HEADER = 'mcp-session-id';

/** Who sends a request, and in which of their sessions: the principal first, so that no stranger can probe ids. */
@Injectable()
export class HttpCallers {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly sessions: SessionService,
    private readonly addresses: ClientAddresses,
    private readonly credentials: RequestCredentials,
    private readonly watch: CredentialWatch,
  ) {}

  /** @throws ProtocolError auth_required, auth_failed, auth_unavailable */
  principalOf(req: IncomingMessage, door: Door = 'http'): Principal | Promise<Principal> {
    return this.authenticator.authenticate(this.credentials.of(req, door));
  }

  /** Calls back when the credential of a caller ends (D-10). @returns what ends the watch */
  whileValid(principal: Principal, end: () => void): () => void {
    return this.watch.watch(principal, end);
  }

  /** Where a request comes from. */
  originOf(req: IncomingMessage, door: Door = 'http'): SessionOrigin {
    return { door, address: this.addresses.of(req), userAgent: req.headers['user-agent'] };
  }

  /**
   * Names the connection of a request, to count an unproven caller by. What a proxy's connection carries is of many: by
   * its own it would be theirs together, or anybody's anew with each.
   */
  connectionKeyOf(req: IncomingMessage): string {
    const { remoteAddress, remotePort } = req.socket;
    return this.addresses.isProxy(remoteAddress) ? `${this.addresses.of(req)}` : `${remoteAddress}:${remotePort}`;
  }

  /** Whether the request names a session, good or not. */
  namesSession(req: IncomingMessage): boolean {
    return SESSION_HEADER in req.headers;
  }

  /**
   * @returns the session that the request names, at once where this process has it; undefined where it names none
   * @throws ProtocolError session_not_found: unknown, ended, forged and someone else's are one and the same (D-8)
   */
  sessionOf(req: IncomingMessage, principal: Principal): Session | undefined | Promise<Session> {
    const id = req.headers[SESSION_HEADER] as string | undefined;
    if (id === undefined) return undefined;
    return this.sessions.peek(id, principal) ?? this.find(id, principal, req);
  }

  /** @throws ProtocolError session_required, session_not_found */
  async requireSession(req: IncomingMessage, principal: Principal): Promise<Session> {
    const session = await this.sessionOf(req, principal);
    if (!session) throw sessionRequired();
    return session;
  }

  /** Ends a session for good. */
  async endSession(session: Session): Promise<void> {
    await this.sessions.end(session, 'deleted');
  }

  private async find(id: string, principal: Principal, req: IncomingMessage): Promise<Session> {
    const session = await this.sessions.find(id, principal);
    if (!session) throw new ProtocolError('session_not_found', 'Session not found: initialize again');
    session.origin ??= keptOrigin(this.originOf(req));
    return session;
  }
}

export function sessionRequired(): ProtocolError {
  return new ProtocolError('session_required', 'Mcp-Session-Id header required: initialize first');
}
