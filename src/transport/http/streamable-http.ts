import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import type { Principal } from '../../auth/index.js';
import { ERROR_CODES, isGatehouseError, ProtocolError } from '../../common/index.js';
import { errorReply } from '../../dispatch/index.js';
import { Challenges } from './challenges.js';
import { HttpAdmission } from './http-admission.js';
import { HttpCallers } from './http-callers.js';
import { refuse, writeReply } from './http-errors.js';
import { HttpPosts } from './http-posts.js';
import { accepts, checkRevision, eraOfFault } from './http-rules.js';
import { SessionStreams } from './session-streams.js';

const METHODS = 'GET, POST, DELETE, OPTIONS';

/**
 * The Streamable HTTP endpoint: POST for messages, GET for the server's own, DELETE to end a session.
 * @see MCP 2025-11-25, basic/transports, "Streamable HTTP"
 */
@Injectable()
export class StreamableHttp {
  private readonly logger = new Logger(StreamableHttp.name);

  constructor(
    private readonly admission: HttpAdmission,
    private readonly callers: HttpCallers,
    private readonly posts: HttpPosts,
    private readonly streams: SessionStreams,
    private readonly challenges: Challenges,
    private readonly security: SecurityLog,
  ) {}

  /** Serves one request, whole; nothing that is thrown gets past. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    if (!this.admission.admit(req, res)) return;
    this.serve(req, res).catch((error: unknown) => this.failed(error, res));
  }

  private async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const proven = this.callers.principalOf(req);
    const principal = proven instanceof Promise ? await proven : proven;
    switch (req.method) {
      case 'POST':
        return this.posts.serve(req, res, principal);
      case 'GET':
        return this.get(req, res, principal);
      case 'DELETE':
        return this.delete(req, res, principal);
      case 'OPTIONS':
        res.writeHead(204, { Allow: METHODS }).end();
        return;
      default:
        res.setHeader('Allow', METHODS);
        throw new ProtocolError('method_not_allowed', `Method Not Allowed: ${req.method}`);
    }
  }

  private async get(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    if (!accepts(req, 'text/event-stream')) {
      throw new ProtocolError('not_acceptable', 'Not Acceptable: send Accept: text/event-stream');
    }
    checkRevision(req);
    const session = await this.callers.requireSession(req, principal);
    this.streams.open(res, { session, principal }, req.headers['last-event-id'] as string | undefined);
  }

  private async delete(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    await this.callers.endSession(await this.callers.requireSession(req, principal));
    res.writeHead(204).end();
  }

  /**
   * Nothing is done about a body that is not whole yet: Node reads the rest and drops it. To close the connection under
   * a client that still sends would reset it, and take the answer away.
   */
  private failed(error: unknown, res: ServerResponse): void {
    if (!isGatehouseError(error)) {
      this.logger.error('A request failed', error instanceof Error ? error.stack : String(error));
      refuse(res, 'internal', 'Internal error');
      return;
    }
    if (error.kind === 'cancelled') return;
    if (error.kind === 'message_too_large') {
      this.security.emit('message_too_large', { transport: 'http', ip: res.socket?.remoteAddress });
    }
    const reply = errorReply(null, error, { era: eraOfFault(error.kind) });
    if (!res.headersSent) this.challenges.mark(res, reply);
    writeReply(res, reply, ERROR_CODES[error.kind].http);
  }
}
