import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authenticator, type Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { type Session, SessionService } from '../../session/index.js';
import { clientCertificateOf } from '../client-certificate.js';

const SESSION_HEADER = 'mcp-session-id';

/** Who sends a request, and in which of their sessions: the principal first, so that no stranger can probe ids. */
@Injectable()
export class HttpCallers {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly sessions: SessionService,
  ) {}

  /** @throws ProtocolError auth_required, auth_failed, auth_unavailable */
  principalOf(req: IncomingMessage): Principal | Promise<Principal> {
    return this.authenticator.authenticate({
      authorization: req.headers.authorization,
      certificate: clientCertificateOf(req.socket),
      address: req.socket.remoteAddress,
      door: 'http',
    });
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
    return this.sessions.peek(id, principal) ?? this.find(id, principal);
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

  private async find(id: string, principal: Principal): Promise<Session> {
    const session = await this.sessions.find(id, principal);
    if (!session) throw new ProtocolError('session_not_found', 'Session not found: initialize again');
    return session;
  }
}

export function sessionRequired(): ProtocolError {
  return new ProtocolError('session_required', 'Mcp-Session-Id header required: initialize first');
}
