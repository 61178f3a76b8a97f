import type { IncomingMessage } from 'node:http';
import { Body, Get, Param, Put, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsBoolean, IsString, Length } from 'class-validator';
import { SecurityLog } from '../../audit/index.js';
import { callerOf, RequiresPermission } from '../../auth/index.js';
import { Clock, printable, ProtocolError } from '../../common/index.js';
import { Catalogue } from '../../dispatch/index.js';
import { type RegisteredTool, ToolRegistry } from '../../tools/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

/** What a tool is to be. */
export class ToolStateBody {
  @ApiProperty()
  @IsBoolean()
  readonly enabled!: boolean;

  @ApiProperty({ description: 'Why, for the security log' })
  @IsString()
  @Length(1, 200)
  readonly reason!: string;
}

/** Every tool as the server has it, visible to callers or not, and the switch of each. */
@ApiTags('tools')
@RestController('admin/tools')
export class ToolStatesController {
  constructor(
    private readonly registry: ToolRegistry,
    private readonly catalogue: Catalogue,
    private readonly security: SecurityLog,
    private readonly clock: Clock,
  ) {}

  @ApiOperation({ summary: 'Every tool: where it comes from, whether it is on, what its breaker says' })
  @RequiresPermission('read:tools')
  @Get()
  list(): object {
    const tools = this.registry.all().map((tool) => this.view(tool));
    return { tools, total: tools.length };
  }

  @ApiOperation({ summary: 'Switches a tool, with a reason' })
  @RequiresPermission('manage:tools')
  @Put(':name/state')
  set(@Param('name') name: string, @Body() { enabled, reason }: ToolStateBody, @Req() req: IncomingMessage): object {
    if (!this.registry.get(name)) {
      throw new ProtocolError('unknown_tool', `Tool ${printable(name)} not found: list them with GET /admin/tools.`);
    }
    if (enabled) this.catalogue.enableTool(name);
    else this.catalogue.disableTool(name);
    this.security.emit(enabled ? 'tool_enabled' : 'tool_disabled', {
      transport: 'http',
      tool: name,
      principal: callerOf(req).subject,
      reason: printable(reason),
    });
    return this.view(this.registry.get(name) as RegisteredTool);
  }

  private view({ name, origin, isEnabled, target, breaker, bulkhead }: RegisteredTool): object {
    const now = this.clock.monotonic();
    return {
      name,
      origin,
      enabled: isEnabled,
      tags: target.tags,
      roles: target.roles ?? null,
      breaker: { state: breaker.stateAt(now), retryAfterMs: Math.ceil(breaker.restMs(now)) },
      running: bulkhead.runningCount,
      waiting: bulkhead.waitingCount,
    };
  }
}
