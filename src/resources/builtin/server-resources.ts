import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { type CallContext, ServerFacts } from '../../tools/index.js';
import { Resource } from '../resource.decorator.js';

/** `server://info`. */
export interface ServerInfo {
  readonly server: string;
  readonly version: string;
  readonly tools_count: number;
  readonly resources_count: number;
  readonly enabled_tools: readonly string[];
}

/** `server://stats`. */
export interface ServerStats {
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  /** Seconds since the process started. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory_usage: { readonly rss: number; readonly heapUsed: number; readonly heapTotal: number };
  /** Open now. */
  readonly sessions: number;
  /** Tool calls since the start. */
  readonly calls: number;
}

/** What the server says of itself (S1-10, S1-11): counts and names that the caller may see, and real figures. */
@Injectable()
export class ServerResources {
  constructor(
    private readonly facts: ServerFacts,
    private readonly clock: Clock,
  ) {}

  @Resource({
    uri: 'server://info',
    name: 'Server Information',
    description: 'Name and version of the server, and the tools that are switched on',
    mimeType: 'application/json',
  })
  info(_uri: string, { principal }: CallContext): ServerInfo {
    const tools = this.facts.enabledTools(principal);
    return {
      server: this.facts.name,
      version: this.facts.version,
      tools_count: tools.length,
      resources_count: this.facts.resourceCount(principal),
      enabled_tools: tools.map(({ name }) => name),
    };
  }

  @Resource({
    uri: 'server://stats',
    name: 'System Statistics',
    description: 'Uptime, memory, sessions and calls of the server',
    mimeType: 'application/json',
  })
  stats(): ServerStats {
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    return {
      timestamp: new Date(this.clock.now()).toISOString(),
      uptime: process.uptime(),
      memory_usage: { rss, heapUsed, heapTotal },
      sessions: this.facts.sessionCount,
      calls: this.facts.callCount,
    };
  }
}
