import type { IncomingMessage } from 'node:http';
import { Body, Get, Param, Put, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { callerOf, nameOf, Permissions, Policy, RequiresPermission } from '../../auth/index.js';
import { Clock, printable, ProtocolError } from '../../common/index.js';
import { type RegisteredTool, ToolRegistry, ToolStates } from '../../tools/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';
import { dateOf, MAX_DURATION_SEC, untilOf } from './durations.js';

const STATES = ['open', 'closed'] as const;

/** What a tool is to be. */
export class ToolStateBody {
  @ApiProperty()
  @IsBoolean()
  readonly enabled!: boolean;

  @ApiProperty({ description: 'Why, for those who come after', maxLength: 500 })
  @IsString()
  @Length(1, 500)
  readonly reason!: string;

  @ApiProperty({
    required: false,
    minimum: 1,
    maximum: MAX_DURATION_SEC,
    description: 'When it goes back by itself, s',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DURATION_SEC)
  readonly durationSec?: number;
}

/** What the breaker of a tool is to be. */
export class BreakerBody {
  @ApiProperty({ enum: STATES, description: 'open lets the tool rest once; closed lets calls pass again' })
  @IsIn(STATES)
  readonly state!: (typeof STATES)[number];

  @ApiProperty({ description: 'Why, for the record', maxLength: 500 })
  @IsString()
  @Length(1, 500)
  readonly reason!: string;
}

/** The tools of the server: what each is and does now, the switch of each, and its breaker. */
@ApiTags('tools')
@RestController('admin/tools')
export class ToolStatesController {
  constructor(
    private readonly registry: ToolRegistry,
    private readonly states: ToolStates,
    private readonly policy: Policy,
    private readonly permissions: Permissions,
    private readonly requests: RestRequests,
    private readonly clock: Clock,
  ) {}

  @ApiOperation({
    summary: 'Where tools come from, whether they are on and by whose word, what their breakers say',
    description: 'Those who may manage tools see every one, others those that they may know of.',
  })
  @RequiresPermission('read:tools')
  @Get()
  list(@Req() req: IncomingMessage): object {
    const caller = callerOf(req);
    const isManager = this.permissions.can(caller, 'manage:tools');
    const known = this.registry.all().filter(({ target }) => isManager || this.policy.isVisible(caller, target));
    return { tools: known.map((tool) => this.view(tool)), total: known.length };
  }

  @ApiOperation({ summary: 'Switches a tool for every caller, at once and over restarts, or for a time' })
  @RequiresPermission('manage:tools')
  @Changes('tool.set', 'tool')
  @Put(':name/state')
  async set(
    @Param('name') name: string,
    @Body() { enabled, reason, durationSec }: ToolStateBody,
    @Req() req: IncomingMessage,
  ): Promise<object> {
    this.find(name);
    this.requests.note(req, { details: { enabled, reason, durationSec } });
    const until = durationSec === undefined ? undefined : untilOf(durationSec, this.clock);
    const order = { by: nameOf(callerOf(req)), reason: printable(reason, Number.POSITIVE_INFINITY), until };
    await (enabled ? this.states.enable(name, order) : this.states.disable(name, order));
    return this.view(this.find(name));
  }

  @ApiOperation({ summary: 'Opens the breaker of a tool for its rest, or closes it' })
  @RequiresPermission('manage:tools')
  @Changes('breaker.set', 'tool')
  @Put(':name/breaker')
  setBreaker(@Param('name') name: string, @Body() { state, reason }: BreakerBody, @Req() req: IncomingMessage): object {
    const tool = this.find(name);
    this.requests.note(req, { details: { state, reason } });
    tool.breaker.force(state, this.clock.monotonic());
    return this.view(tool);
  }

  private find(name: string): RegisteredTool {
    const tool = this.registry.get(name);
    if (tool) return tool;
    throw new ProtocolError('unknown_tool', `Tool ${printable(name)} not found: list them with GET /admin/tools.`);
  }

  private view({ name, origin, isEnabled, target, breaker, bulkhead }: RegisteredTool): object {
    const now = this.clock.monotonic();
    const { decidedBy, order } = this.states.stateOf(name);
    return {
      name,
      origin,
      enabled: isEnabled,
      state: {
        decidedBy,
        by: order?.by ?? null,
        reason: order?.reason ?? null,
        since: dateOf(order?.since),
        until: dateOf(order?.until),
      },
      tags: target.tags,
      roles: target.roles ?? null,
      breaker: { state: breaker.stateAt(now), retryAfterMs: Math.ceil(breaker.restMs(now)) },
      running: bulkhead.runningCount,
      waiting: bulkhead.waitingCount,
    };
  }
}
