import type { IncomingMessage, ServerResponse } from 'node:http';
import { Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { callerOf, RequiresPermission } from '../../auth/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { EventsFeed } from './events-feed.js';

/** How the server does, as it goes on (S4-9). */
@ApiTags('server')
@RestController('events')
export class EventsController {
  constructor(private readonly feed: EventsFeed) {}

  @ApiOperation({ summary: 'Server-sent events: health and metrics, every MCP_EVENTS_INTERVAL seconds' })
  @RequiresPermission('read:events')
  @Get()
  async listen(@Req() req: IncomingMessage, @Res() res: ServerResponse): Promise<void> {
    await this.feed.open(res, callerOf(req));
  }
}
