import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { ERROR_CODES, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { errorReply } from '../../dispatch/index.js';
import { decode, type Decoded, eraOf, isMalformed, isRequest, LEGACY_REVISIONS } from '../../protocol/index.js';
import { isList } from '../duplex/greeting.js';
import { writeReply } from '../http/http-errors.js';
import { checkContentType, requestIdOf } from '../http/http-rules.js';
import { readBody } from '../http/read-body.js';
import { LoneMessages } from './lone-messages.js';
import { SseRelay } from './sse-relay.js';
import { SseStreams } from './sse-streams.js';
import { streamIdOf } from './stream-id.js';

/** What is answered to a message whose answer comes on the stream (S1-15). */
const QUEUED = 'Message queued for SSE delivery';

/** The POSTs of legacy HTTP+SSE: each goes to the stream that it names. @see MCP 2024-11-05, basic/transports, "HTTP with SSE" */
@Injectable()
export class SseMessages {
  constructor(
    private readonly streams: SseStreams,
    private readonly lone: LoneMessages,
    private readonly relay: SseRelay,
    private readonly config: AppConfig,
  ) {}

  /** @throws ProtocolError what is wrong with the request; session_not_found for a stream that is not there or not yours */
  async serve(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    const id = streamIdOf(req);
    const isElsewhere = id !== undefined && this.relay.isElsewhere(id);
    if (id !== undefined && !isElsewhere && !this.streams.find(id, principal)) throw noStream();
    checkContentType(req);
    const text = await readBody(req, this.config.limits.maxBodyBytes);
    const decoded = decode(text);
    if (isRefused(decoded, res)) return;
    if (id === undefined) return this.lone.serve(req, res, { principal, decoded });
    const delivery = isElsewhere
      ? await this.relay.post(id, principal, text)
      : this.streams.take(id, principal, () => decoded);
    if (delivery === 'unknown') throw noStream();
    if (delivery === 'full') {
      throw new ProtocolError('server_busy', 'You do not read your stream: no more is taken until you do');
    }
    res.writeHead(202, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': QUEUED.length }).end(QUEUED);
  }
}

function noStream(): ProtocolError {
  return new ProtocolError('session_not_found', 'Stream not found: open one with GET');
}

/** What is told in the answer to the POST: text that is no JSON (S1-15), and an era that this door does not serve (D-2). */
function isRefused(decoded: Decoded | readonly Decoded[], res: ServerResponse): boolean {
  if (isList(decoded)) return false;
  if (isMalformed(decoded)) {
    if (decoded.fault.kind !== 'parse_error') return false;
    writeReply(res, errorReply(decoded.id, decoded.fault), ERROR_CODES.parse_error.http);
    return true;
  }
  if (!isRequest(decoded) || eraOf(decoded) !== 'modern') return false;
  const failure = {
    kind: 'unsupported_revision',
    message: `Unsupported protocol version: this transport serves ${LEGACY_REVISIONS.join(', ')}`,
    data: { supported: LEGACY_REVISIONS },
  } as const;
  const reply = errorReply(requestIdOf(decoded), failure, { era: 'modern' });
  writeReply(res, reply, ERROR_CODES.unsupported_revision.http);
  return true;
}
