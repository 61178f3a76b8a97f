import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { LegacySse } from '../sse/legacy-sse.js';
import { streamIdOf } from '../sse/stream-id.js';
import { HttpCallers } from './http-callers.js';
import { HttpPosts } from './http-posts.js';
import { accepts, checkRevision } from './http-rules.js';
import { LaneEndpoint, LaneFront } from './lane-front.js';
import { MCP_PATH } from './paths.js';
import { SessionStreams } from './session-streams.js';

const METHODS = 'GET, POST, DELETE, OPTIONS';

/**
 * The Streamable HTTP endpoint: POST for messages, GET for the server's own, DELETE to end a session.
 * @see MCP 2025-11-25, basic/transports, "Streamable HTTP"
 */
@Injectable()
export class StreamableHttp extends LaneEndpoint {
  protected override readonly door = 'http';
  private readonly takesOldStreams: boolean;

  constructor(
    front: LaneFront,
    private readonly callers: HttpCallers,
    private readonly posts: HttpPosts,
    private readonly streams: SessionStreams,
    private readonly sse: LegacySse,
    { http }: AppConfig,
  ) {
    super(front);
    this.takesOldStreams = http.legacySseOnMcp;
  }

  protected override async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const proven = this.callers.principalOf(req);
    const principal = proven instanceof Promise ? await proven : proven;
    switch (req.method) {
      case 'POST':
        if (this.isOfOldStream(req)) return this.sse.post(req, res, principal);
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
    if (this.takesOldStreams && !this.callers.namesSession(req)) {
      await this.sse.open(req, res, { principal, endpoint: MCP_PATH });
      return;
    }
    checkRevision(req);
    const session = await this.callers.requireSession(req, principal);
    this.streams.open(res, { session, principal }, req.headers['last-event-id'] as string | undefined);
  }

  private async delete(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    await this.callers.endSession(await this.callers.requireSession(req, principal));
    res.writeHead(204).end();
  }

  /** Whether a POST names a stream of the older form, where those are opened here (K-6). */
  private isOfOldStream(req: IncomingMessage): boolean {
    return this.takesOldStreams && !this.callers.namesSession(req) && streamIdOf(req) !== undefined;
  }
}
