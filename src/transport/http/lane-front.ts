import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { ERROR_CODES, isGatehouseError } from '../../common/index.js';
import { type Door, errorReply } from '../../dispatch/index.js';
import { ClientAddresses } from '../../limits/index.js';
import { ConnectionAdmission } from '../connections/connection-admission.js';
import { Challenges } from './challenges.js';
import { HttpAdmission } from './http-admission.js';
import { refuse, writeReply } from './http-errors.js';
import { eraOfFault } from './http-rules.js';

/** What every endpoint of the lane begins and ends with: who gets in at all, and what is answered to what is thrown. */
@Injectable()
export class LaneFront {
  private readonly logger = new Logger(LaneFront.name);

  constructor(
    private readonly admission: HttpAdmission,
    private readonly connections: ConnectionAdmission,
    private readonly addresses: ClientAddresses,
    private readonly challenges: Challenges,
    private readonly security: SecurityLog,
  ) {}

  /** @returns whether the request may go on; if not, it is answered */
  admit(req: IncomingMessage, res: ServerResponse, door: Door): boolean {
    if (!this.admission.admit(req, res)) return false;
    const blocked = this.connections.refusalOf(this.addresses.of(req), door);
    if (!blocked) return true;
    refuse(res, 'blocked', 'Forbidden: this address is blocked for a while', blocked.retryAfterMs);
    return false;
  }

  /**
   * Nothing is done about a body that is not whole yet: Node reads the rest and drops it. To close the connection under
   * a client that still sends would reset it, and take the answer away.
   */
  failed(error: unknown, res: ServerResponse, door: Door): void {
    if (!isGatehouseError(error)) {
      this.logger.error('A request failed', error instanceof Error ? error.stack : String(error));
      refuse(res, 'internal', 'Internal error');
      return;
    }
    if (error.kind === 'cancelled') return;
    if (error.kind === 'message_too_large') {
      this.security.emit('message_too_large', { transport: door, ip: this.addresses.of(res.req) });
    }
    const reply = errorReply(null, error, { era: eraOfFault(error.kind, res.req) });
    if (!res.headersSent) this.challenges.mark(res, reply);
    writeReply(res, reply, ERROR_CODES[error.kind].http);
  }
}

/** Serves the requests of some paths, in front of the application. */
export interface LaneHandler {
  /** Serves one request, whole; nothing that is thrown gets past. */
  handle(req: IncomingMessage, res: ServerResponse): void;
}

/** An endpoint that lets in whom the front lets in. */
export abstract class LaneEndpoint implements LaneHandler {
  protected abstract readonly door: Door;

  constructor(private readonly front: LaneFront) {}

  handle(req: IncomingMessage, res: ServerResponse): void {
    if (!this.front.admit(req, res, this.door)) return;
    this.serve(req, res).catch((error: unknown) => this.front.failed(error, res, this.door));
  }

  /** @throws GatehouseError what is wrong with the request */
  protected abstract serve(req: IncomingMessage, res: ServerResponse): Promise<void>;
}
