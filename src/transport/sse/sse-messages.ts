import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { ERROR_CODES, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Dispatcher, errorReply } from '../../dispatch/index.js';
import {
  decode,
  type Decoded,
  eraOf,
  isMalformed,
  isRequest,
  LEGACY_REVISIONS,
  MODERN_REVISION,
  revisionOf,
} from '../../protocol/index.js';
import { isList } from '../duplex/greeting.js';
import { writeReply } from '../http/http-errors.js';
import { checkContentType, requestIdOf } from '../http/http-rules.js';
import { readBody } from '../http/read-body.js';
import { LoneMessages } from './lone-messages.js';
import { SseStreams } from './sse-streams.js';
import { streamIdOf } from './stream-id.js';

/** What is answered to a message whose answer comes on the stream (S1-15). */
const QUEUED = 'Message queued for SSE delivery';

/** Newest first, as everywhere where clients are told. */
const SERVED = [...LEGACY_REVISIONS].reverse();

/** The POSTs of legacy HTTP+SSE: each goes to the stream that it names. @see MCP 2024-11-05, basic/transports, "HTTP with SSE" */
@Injectable()
export class SseMessages {
  constructor(
    private readonly streams: SseStreams,
    private readonly lone: LoneMessages,
    private readonly dispatcher: Dispatcher,
    private readonly config: AppConfig,
  ) {}

  /** @throws ProtocolError what is wrong with the request; session_not_found for a stream that is not there or not yours */
  async serve(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    const id = streamIdOf(req);
    const connection = id === undefined ? undefined : this.streams.find(id, principal);
    if (id !== undefined && !connection) {
      throw new ProtocolError('session_not_found', 'Stream not found: open one with GET');
    }
    checkContentType(req);
    const { maxBodyBytes, maxQueue } = this.config.limits;
    const decoded = decode(await readBody(req, maxBodyBytes));
    if (isOfOtherEra(decoded, res)) return;
    if (!connection) return this.lone.serve(req, res, { principal, decoded });
    if (!isList(decoded) && isMalformed(decoded) && decoded.fault.kind === 'parse_error') {
      // Told in the answer to the POST (S1-15), after all that is done about any message.
      const reply = await this.dispatcher.receive(decoded, connection);
      if (reply) writeReply(res, reply, ERROR_CODES[reply.kind ?? 'parse_error'].http);
      return;
    }
    if (connection.heldCount >= maxQueue) {
      throw new ProtocolError('server_busy', 'You do not read your stream: no more is taken until you do');
    }
    connection.receive(decoded);
    res.writeHead(202, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': QUEUED.length }).end(QUEUED);
  }
}

/** An era that this door does not serve (D-2) is refused in the answer to the POST. */
function isOfOtherEra(decoded: Decoded | readonly Decoded[], res: ServerResponse): boolean {
  if (isList(decoded) || isMalformed(decoded)) return false;
  if (!isRequest(decoded) || eraOf(decoded) !== 'modern') return false;
  const failure = {
    kind: 'unsupported_revision',
    message: `Unsupported protocol version: this transport serves ${SERVED.join(', ')}`,
    data: { supported: SERVED, requested: revisionOf(decoded.params) ?? MODERN_REVISION },
  } as const;
  const reply = errorReply(requestIdOf(decoded), failure, { era: 'modern' });
  writeReply(res, reply, ERROR_CODES.unsupported_revision.http);
  return true;
}
