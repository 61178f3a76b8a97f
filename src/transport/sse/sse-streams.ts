import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { certificateOf, type Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { ConnectionAdmission, isRefusal, type Place } from '../connections/connection-admission.js';
import { HIGH_WATER_BYTES } from '../connections/wire.js';
import { Conversations } from '../duplex/conversations.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { HttpCallers } from '../http/http-callers.js';
import { SseWire } from './sse-wire.js';
import { asksForClientId } from './stream-id.js';

const ID_BYTES = 16;

/** Who opens a stream, and where its messages are to be posted. */
export interface StreamOpening {
  readonly principal: Principal;
  /** Path. */
  readonly endpoint: string;
}

/**
 * The streams of legacy HTTP+SSE, by ids of 128 random bits: whoever posts to one must know its id and be its principal
 * (W-17).
 */
@Injectable()
export class SseStreams {
  private readonly streams = new Map<string, DuplexConnection>();

  constructor(
    private readonly admission: ConnectionAdmission,
    private readonly conversations: Conversations,
    private readonly callers: HttpCallers,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
  ) {}

  /** @throws ProtocolError blocked, connection_limit, rate_limited, shutting_down */
  open(req: IncomingMessage, res: ServerResponse, { principal, endpoint }: StreamOpening): void {
    const { address, userAgent } = this.callers.originOf(req, 'sse');
    const place = this.placeFor(principal, address);
    const { limits, http } = this.config;
    const isOlderForm = http.sseClientIdEvent || asksForClientId(req);
    const beats = { commentMs: http.keepAliveMs, pingMs: isOlderForm ? limits.pingIntervalMs : undefined };
    const queue = { messages: limits.maxQueue, bytes: HIGH_WATER_BYTES };
    const wire = new SseWire(res, beats, queue, this.conversations.now());
    const id = randomBytes(ID_BYTES).toString('hex');
    wire.endpoint(`${endpoint}?sessionId=${id}`);
    if (isOlderForm) wire.data({ type: 'connected', client_id: id });
    const peer = { address, port: req.socket.remotePort, userAgent, certificate: certificateOf(req.socket) };
    const provedBy = req.headers.authorization === undefined ? 'certificate' : 'header';
    const parts = { door: 'sse', wire, peer, place, provedBy, maxUnreadBytes: limits.maxBufferBytes } as const;
    const connection = this.conversations.open(parts, principal);
    this.streams.set(id, connection);
    res.on('close', () => {
      this.streams.delete(id);
      connection.left();
    });
  }

  /** @returns the stream of an id; undefined where there is none, or it is somebody else's: nobody can tell which */
  find(id: string, principal: Principal): DuplexConnection | undefined {
    const connection = this.streams.get(id);
    if (!connection) return undefined;
    const { issuer, subject } = connection.principal;
    if (issuer === principal.issuer && subject === principal.subject) return connection;
    const facts = { transport: 'sse', clientId: connection.id, principal: `${principal.issuer}/${principal.subject}` };
    this.security.emit('session_hijack_attempt', facts);
    return undefined;
  }

  /** @throws ProtocolError why there is none */
  private placeFor(principal: Principal, address: string | undefined): Place {
    const place = this.admission.admit('sse', address);
    if (!isRefusal(place)) {
      if (place.claim(principal)) return place;
      place.release();
      throw new ProtocolError('connection_limit', 'Service Unavailable: you hold as many connections as you may');
    }
    const { kind, retryAfterMs } = place;
    throw new ProtocolError(kind, REFUSED[kind], retryAfterMs === undefined ? {} : { data: { retryAfterMs } });
  }
}

const REFUSED = {
  blocked: 'Forbidden: this address is blocked for a while',
  connection_limit: 'Service Unavailable: Maximum connections reached',
  rate_limited: 'Rate limit exceeded',
  shutting_down: 'The server is ending: try again',
} as const;
