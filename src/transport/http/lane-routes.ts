import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { httpFamilies } from '../families.js';
import { LegacySse } from '../sse/legacy-sse.js';
import type { LaneHandler } from './lane-front.js';
import { MCP_PATH, MESSAGE_PATH, pathOf, SSE_PATH } from './paths.js';
import { ResourceMetadata } from './resource-metadata.js';
import { StreamableHttp } from './streamable-http.js';

/** Which endpoint of the lane serves which path, as the settings open them. */
@Injectable()
export class LaneRoutes {
  private readonly endpoints: ReadonlyMap<string, LaneHandler>;

  constructor(config: AppConfig, streamable: StreamableHttp, sse: LegacySse, metadata: ResourceMetadata) {
    const families = httpFamilies(config);
    this.endpoints = new Map<string, LaneHandler>([
      ...(families.streamable ? [[MCP_PATH, streamable] as const] : []),
      ...(families.sse ? [[SSE_PATH, sse] as const, [MESSAGE_PATH, sse] as const] : []),
      ...metadata.paths.map((path) => [path, metadata] as const),
    ]);
  }

  /** @returns undefined where the path is not the lane's */
  endpointOf(url: string): LaneHandler | undefined {
    return this.endpoints.get(pathOf(url));
  }
}
