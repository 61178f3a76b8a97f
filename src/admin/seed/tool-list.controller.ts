import type { IncomingMessage } from 'node:http';
import { Get, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { AnyCaller, callerOf, Policy } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { type RegisteredTool, ToolRegistry } from '../../tools/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

const MS_PER_SEC = 1_000;

/** The tools that there are, for those who may know of them (S4-4, D-13). */
@ApiTags('tools')
@RestController('tools')
export class ToolListController {
  constructor(
    private readonly registry: ToolRegistry,
    private readonly policy: Policy,
    private readonly config: AppConfig,
  ) {}

  @ApiOperation({ summary: 'Tools that the caller may know of' })
  @AnyCaller()
  @Get()
  list(@Req() req: IncomingMessage): object {
    const caller = callerOf(req);
    const tools = this.registry.all().filter(({ target }) => this.policy.isVisible(caller, target));
    return {
      tools: tools.map((tool) => this.view(tool)),
      total: tools.length,
      enabled: tools.filter(({ isEnabled }) => isEnabled).length,
    };
  }

  private view({ name, isEnabled, options, programs, bulkhead, timeoutMs, target, input }: RegisteredTool): object {
    const { defaultTimeoutSec } = this.config.tools;
    return {
      name,
      enabled: isEnabled,
      command: programs[0] ?? null,
      description: options.description ?? '',
      concurrency: bulkhead.rules.limit,
      timeout: timeoutMs === undefined ? defaultTimeoutSec : timeoutMs / MS_PER_SEC,
      has_metrics: true,
      has_circuit_breaker: true,
      title: options.title ?? null,
      tags: target.tags,
      read_only: options.readOnly ?? false,
      destructive: options.destructive ?? false,
      runs_per_minute: target.runsPerMinute ?? null,
      input_schema: input.json,
    };
  }
}
