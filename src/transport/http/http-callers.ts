import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authenticator, type Credentials, type Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import type { Door } from '../../dispatch/index.js';
import { keptOrigin, type Session, type SessionOrigin, SessionService } from '../../session/index.js';
import { ClientAddresses } from '../connections/client-address.js';
import { certificateOf } from '../tls/certificate-of.js';

const SESSION_HEADER = 'mcp-session-id';

/** Who sends a request, and in which of their sessions: the principal first, so that no stranger can probe ids. */
@Injectable()
export class HttpCallers {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly sessions: SessionService,
    private readonly addresses: ClientAddresses,
  ) {}

  /** Whether callers must prove who they are. */
  get isRequired(): boolean {
    return this.authenticator.isRequired;
  }

  /** Whether a request brings anything by which its sender could be known. */
  bringsCredential({ headers, socket }: IncomingMessage): boolean {
    return headers.authorization !== undefined || certificateOf(socket) !== undefined;
  }

  /** @throws ProtocolError auth_required, auth_failed */
  principalOf(req: IncomingMessage, door: Door | 'rest' = 'http'): Principal | Promise<Principal> {
    return this.authenticator.authenticate(this.credentialsOf(req, door));
  }

  /** What the sender of a request shows. */
  credentialsOf(req: IncomingMessage, door: Door | 'rest'): Credentials {
    const { headers, socket } = req;
    return {
      authorization: headers.authorization,
      certificate: certificateOf(socket),
      address: this.addresses.of(req),
      door,
    };
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
