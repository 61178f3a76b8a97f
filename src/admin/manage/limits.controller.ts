import { Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequiresPermission } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { SessionService } from '../../session/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

/** What is allowed at most, and how much of it is taken now. */
@ApiTags('limits')
@RestController('admin/limits')
export class LimitsController {
  constructor(
    private readonly config: AppConfig,
    private readonly sessions: SessionService,
    private readonly registry: ToolRegistry,
  ) {}

  @ApiOperation({ summary: 'Limits of messages, connections, sessions and tools' })
  @RequiresPermission('read:limits')
  @Get()
  show(): object {
    const { rate, limits, sessions } = this.config;
    return {
      messages: {
        enabled: rate.enabled,
        perWindow: rate.maxMessages,
        burst: rate.burst,
        windowMs: rate.windowMs,
        inFlightPerSession: limits.maxInFlight,
        maxBatch: limits.maxBatch,
        maxMessageBytes: limits.maxMessageBytes,
        maxBodyBytes: limits.maxBodyBytes,
      },
      connections: { perWindowAndAddress: rate.maxConnections, windowMs: rate.windowMs },
      sessions: { max: sessions.max, maxPerClient: sessions.maxPerClient, open: this.sessions.count },
      tools: Object.fromEntries(
        this.registry.all().map(({ name, target, bulkhead }) => [
          name,
          {
            runsPerMinute: target.runsPerMinute ?? null,
            concurrency: bulkhead.rules.limit,
            running: bulkhead.runningCount,
            queue: bulkhead.rules.queue,
            waiting: bulkhead.waitingCount,
          },
        ]),
      ),
    };
  }
}
