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
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { isList } from '../duplex/greeting.js';
import { statusOf, writeReply } from '../http/http-errors.js';
import { checkContentType, requestIdOf } from '../http/http-rules.js';
import { readBody } from '../http/read-body.js';
import { LoneMessages } from './lone-messages.js';
import { SseRelay } from './sse-relay.js';
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
    private readonly relay: SseRelay,
    private readonly dispatcher: Dispatcher,
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
    if (isOfOtherEra(decoded, res)) return;
    const isNoJson = !isList(decoded) && isMalformed(decoded) && decoded.fault.kind === 'parse_error';
    // What is no JSON is told of in the answer to the POST (S1-15), wherever the stream is.
    if (id === undefined || (isNoJson && isElsewhere)) return this.lone.serve(req, res, { principal, decoded });
    const connection = isNoJson && this.streams.find(id, principal);
    if (connection) return this.refuse(decoded, res, connection);
    const delivery = isElsewhere
      ? await this.relay.post(id, principal, text)
      : this.streams.take(id, principal, () => decoded);
    if (delivery === 'unknown') throw noStream();
    if (delivery === 'full') {
      throw new ProtocolError('server_busy', 'You do not read your stream: no more is taken until you do');
    }
    res.writeHead(202, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': QUEUED.length }).end(QUEUED);
  }

  /** Refuses what is no JSON after all that is done about any message. */
  private async refuse(malformed: Decoded, res: ServerResponse, connection: DuplexConnection): Promise<void> {
    const reply = await this.dispatcher.receive(malformed, connection);
    if (reply) writeReply(res, reply, statusOf(reply));
    else res.writeHead(202, { 'Content-Length': 0 }).end();
  }
}

function noStream(): ProtocolError {
  return new ProtocolError('session_not_found', 'Stream not found: open one with GET');
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
