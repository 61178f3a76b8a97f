import type { IncomingMessage } from 'node:http';
import { Get, Header, Req, UnauthorizedException } from '@nestjs/common';
import { GatehouseController, Public } from '../../auth/index.js';
import { VERSION } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { HttpLane } from '../http/http-lane.js';
import { MCP_PATH } from '../http/paths.js';
import { type MultiClientMetrics, SessionsSeen } from './sessions-seen.js';
import { StatusViewers } from './status-viewers.js';

/** What anybody may know who reaches the server. */
interface PublicStatus {
  readonly server: string;
  readonly version: string;
  readonly status: 'running';
  readonly sessions: { readonly total: number; readonly active: number };
  readonly tools: { readonly total: number };
}

/** @see REQUIREMENTS S3-16 */
interface FullStatus extends PublicStatus {
  readonly transport: { readonly type: string; readonly endpoint: string; readonly port: number | undefined };
  readonly sessions: PublicStatus['sessions'] & {
    readonly firstConnection: string | null;
    readonly lastActivity: string | null;
  };
  /** Categories are the tags of the tools, each with how many have it. */
  readonly tools: PublicStatus['tools'] & { readonly categories: Readonly<Record<string, number>> };
  readonly process: { readonly pid: number; readonly uptime: number; readonly memory: NodeJS.MemoryUsage };
}

/** Where the server is, for people: counts for anybody, the rest for callers who proved who they are, or need not. */
@Public()
@GatehouseController()
export class StatusController {
  constructor(
    private readonly seen: SessionsSeen,
    private readonly tools: ToolRegistry,
    private readonly viewers: StatusViewers,
    private readonly lane: HttpLane,
    private readonly config: AppConfig,
  ) {}

  @Get('status')
  @Header('Cache-Control', 'no-store')
  async status(@Req() req: IncomingMessage): Promise<PublicStatus | FullStatus> {
    this.viewers.admit(req);
    const { sessions } = this.seen.getMultiClientMetrics();
    const tools = this.tools.enabled();
    const known: PublicStatus = {
      server: this.config.server.name,
      version: VERSION,
      status: 'running',
      sessions: { total: sessions.totalSessions, active: sessions.activeSessions },
      tools: { total: tools.length },
    };
    if (!(await this.viewers.isKnown(req))) return known;
    const { connectionTime: firstConnection, lastActivity } = sessions;
    return {
      ...known,
      transport: { type: this.config.server.transports.join(','), endpoint: MCP_PATH, port: this.lane.port },
      sessions: { ...known.sessions, firstConnection, lastActivity },
      tools: { ...known.tools, categories: countTags(tools.map(({ target }) => target.tags)) },
      process: { pid: process.pid, uptime: process.uptime(), memory: process.memoryUsage() },
    };
  }

  /** @see REQUIREMENTS S3-10, 3.2 */
  @Get('sessions/metrics')
  @Header('Cache-Control', 'no-store')
  async metrics(@Req() req: IncomingMessage): Promise<MultiClientMetrics> {
    this.viewers.admit(req);
    if (await this.viewers.isKnown(req)) return this.seen.getMultiClientMetrics();
    throw new UnauthorizedException('Unauthorized: this names sessions, and needs a credential');
  }
}

function countTags(tags: readonly (readonly string[])[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const tag of tags.flat()) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return Object.fromEntries(counts);
}
