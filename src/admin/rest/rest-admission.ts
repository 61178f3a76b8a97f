import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { GuardedRequest } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { ClientAddresses } from '../../limits/index.js';
import { ConnectionAdmission, HttpAdmission } from '../../transport/index.js';

/** Who gets as far as a route of REST: the same who get to the MCP endpoint, and known by the same. */
@Injectable()
export class RestAdmission {
  constructor(
    private readonly admission: HttpAdmission,
    private readonly connections: ConnectionAdmission,
    private readonly addresses: ClientAddresses,
  ) {}

  /**
   * @param answer tells what is wrong
   * @returns whether the request may go on; if not, it is answered
   */
  admit(req: IncomingMessage & GuardedRequest, res: ServerResponse, answer: (error: ProtocolError) => void): boolean {
    const isAdmitted = this.admission.admit(req, res, (_res, kind, message) =>
      answer(new ProtocolError(kind, message)),
    );
    if (!isAdmitted) return false;
    req.address = this.addresses.of(req);
    const blocked = this.connections.refusalOf(req.address, 'http');
    if (!blocked) return true;
    const { retryAfterMs } = blocked;
    answer(new ProtocolError('blocked', 'Forbidden: this address is blocked for a while', { data: { retryAfterMs } }));
    return false;
  }
}
