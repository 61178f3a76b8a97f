import type { IncomingMessage } from 'node:http';
import { Get, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AnyCaller, callerOf, Policy, RequiresPermission } from '../../auth/index.js';
import { VERSION } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { HttpLane, MCP_PATH, type MultiClientMetrics, SessionsSeen } from '../../transport/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

/** @see REQUIREMENTS S3-16 */
interface Status {
  readonly server: string;
  readonly version: string;
  readonly status: 'running';
  readonly transport: { readonly type: string; readonly endpoint: string; readonly port: number | undefined };
  readonly sessions: {
    readonly total: number;
    readonly active: number;
    readonly firstConnection: string | null;
    readonly lastActivity: string | null;
  };
  /** Those that the caller may know of. Categories are their tags, each with how many have it. */
  readonly tools: { readonly total: number; readonly categories: Readonly<Record<string, number>> };
  readonly process: { readonly pid: number; readonly uptime: number; readonly memory: NodeJS.MemoryUsage };
}

/** Where the server is, for people. Whether it is well is asked of `/health`, which needs no credential. */
@ApiTags('server')
@RestController()
export class StatusController {
  constructor(
    private readonly seen: SessionsSeen,
    private readonly registry: ToolRegistry,
    private readonly policy: Policy,
    private readonly lane: HttpLane,
    private readonly config: AppConfig,
  ) {}

  @ApiOperation({ summary: 'Doors, sessions, tools and process of this server (S3-16)' })
  @AnyCaller()
  @Get('status')
  status(@Req() req: IncomingMessage): Status {
    const caller = callerOf(req);
    const tools = this.registry.enabled().filter(({ target }) => this.policy.isVisible(caller, target));
    const { totalSessions, activeSessions, connectionTime, lastActivity } = this.seen.getMultiClientMetrics().sessions;
    return {
      server: this.config.server.name,
      version: VERSION,
      status: 'running',
      transport: { type: this.config.server.transports.join(','), endpoint: MCP_PATH, port: this.lane.port },
      sessions: { total: totalSessions, active: activeSessions, firstConnection: connectionTime, lastActivity },
      tools: { total: tools.length, categories: countTags(tools.map(({ target }) => target.tags)) },
      process: { pid: process.pid, uptime: process.uptime(), memory: process.memoryUsage() },
    };
  }

  @ApiOperation({ summary: 'What all clients together do (S3-10)' })
  @RequiresPermission('read:metrics')
  @Get('sessions/metrics')
  metrics(): MultiClientMetrics {
    return this.seen.getMultiClientMetrics();
  }
}

function countTags(tags: readonly (readonly string[])[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const tag of tags.flat()) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return Object.fromEntries(counts);
}
