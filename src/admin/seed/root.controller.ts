import type { IncomingMessage } from 'node:http';
import { Get, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { AnyCaller, callerOf, Policy } from '../../auth/index.js';
import { VERSION } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { MCP_PATH, SSE_PATH, WS_PATH } from '../../transport/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

/** Where what is served. */
const ENDPOINTS = {
  mcp: MCP_PATH,
  websocket: WS_PATH,
  sse: SSE_PATH,
  health: '/health',
  live: '/health/live',
  ready: '/health/ready',
  tools: '/tools',
  execute: '/tools/{name}/execute',
  enable: '/tools/{name}/enable',
  disable: '/tools/{name}/disable',
  metrics: '/metrics',
  events: '/events',
  config: '/config',
  docs: '/docs',
  status: '/status',
  sessionMetrics: '/sessions/metrics',
  tickets: '/tickets',
  admin: '/admin',
} as const;

/** What this server is, and where to find the rest (S4-2). */
@ApiTags('server')
@RestController()
export class RootController {
  constructor(
    private readonly registry: ToolRegistry,
    private readonly policy: Policy,
    private readonly config: AppConfig,
  ) {}

  @ApiOperation({ summary: 'Name, version, transports, how many tools, and where everything is' })
  @AnyCaller()
  @Get()
  overview(@Req() req: IncomingMessage): object {
    const caller = callerOf(req);
    const tools = this.registry.all().filter(({ target }) => this.policy.isVisible(caller, target));
    const { name, transports } = this.config.server;
    return {
      name,
      version: VERSION,
      transport: transports.join(','),
      tools: { total: tools.length, enabled: tools.filter(({ isEnabled }) => isEnabled).length },
      endpoints: ENDPOINTS,
    };
  }
}
