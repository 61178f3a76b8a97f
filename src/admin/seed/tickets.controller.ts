import type { IncomingMessage } from 'node:http';
import { Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { AnyCaller, callerOf } from '../../auth/index.js';
import { Tickets } from '../../transport/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

/** What a page needs to open a WebSocket as whoever asked. */
interface IssuedTicket {
  /** The sub-protocol to name besides `mcp`. */
  readonly protocol: string;
  readonly expiresAt: string;
}

/** Gives pages a ticket in exchange for a credential that they cannot send with a WebSocket (S2-8, D-18). */
@ApiTags('server')
@RestController('tickets')
export class TicketsController {
  constructor(private readonly tickets: Tickets) {}

  @ApiOperation({ summary: 'A sub-protocol for one WebSocket, good for 30 s' })
  @AnyCaller()
  @Post()
  issue(@Req() req: IncomingMessage): IssuedTicket {
    const { id, expiresAt } = this.tickets.issue(callerOf(req));
    return { protocol: `ticket.${id}`, expiresAt: new Date(expiresAt).toISOString() };
  }
}
