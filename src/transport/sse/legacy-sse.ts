import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { HttpCallers } from '../http/http-callers.js';
import { accepts } from '../http/http-rules.js';
import { LaneEndpoint, LaneFront } from '../http/lane-front.js';
import { MESSAGE_PATH, pathOf, SSE_PATH } from '../http/paths.js';
import { SseMessages } from './sse-messages.js';
import { SseStreams, type StreamOpening } from './sse-streams.js';

const METHOD_OF: Readonly<Record<string, string>> = { [SSE_PATH]: 'GET', [MESSAGE_PATH]: 'POST' };

/**
 * Legacy HTTP+SSE: a GET opens a stream, and POSTs bring messages whose answers come on it.
 * @see MCP 2024-11-05, basic/transports, "HTTP with SSE"
 */
@Injectable()
export class LegacySse extends LaneEndpoint {
  protected override readonly door = 'sse';

  constructor(
    front: LaneFront,
    private readonly callers: HttpCallers,
    private readonly streams: SseStreams,
    private readonly messages: SseMessages,
  ) {
    super(front);
  }

  /** Opens a stream, on whatever path. @throws ProtocolError */
  open(req: IncomingMessage, res: ServerResponse, opening: StreamOpening): Promise<void> {
    return this.streams.open(req, res, opening);
  }

  /** Takes a message for a stream, on whatever path. @throws ProtocolError */
  post(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    return this.messages.serve(req, res, principal);
  }

  protected override async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const principal = await this.callers.principalOf(req, 'sse');
    const path = pathOf(req.url ?? '');
    const allowed = METHOD_OF[path] ?? 'GET';
    if (req.method === 'OPTIONS') {
      res.writeHead(204, { Allow: `${allowed}, OPTIONS` }).end();
      return;
    }
    if (req.method !== allowed) {
      res.setHeader('Allow', `${allowed}, OPTIONS`);
      throw new ProtocolError('method_not_allowed', `Method Not Allowed: ${req.method}`);
    }
    if (path === MESSAGE_PATH) return this.messages.serve(req, res, principal);
    if (!accepts(req, 'text/event-stream')) {
      throw new ProtocolError('not_acceptable', 'Not Acceptable: send Accept: text/event-stream');
    }
    await this.streams.open(req, res, { principal, endpoint: MESSAGE_PATH });
  }
}
