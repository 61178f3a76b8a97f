import { Injectable } from '@nestjs/common';
import { IsInt, IsString } from 'class-validator';
import { Clock } from '../../common/index.js';
import { Describe } from '../schema/describe.decorator.js';
import { Tool } from '../tool.decorator.js';
import type { ToolResult } from '../tool-result.js';
import { isoWithOffset } from './iso-time.js';

/** What `get_time` answers as structured content. */
export class ServerTime {
  @IsString()
  @Describe('ISO 8601 with the offset of the server')
  readonly iso!: string;

  @IsInt()
  @Describe('Milliseconds since 1970-01-01T00:00:00Z')
  readonly epochMs!: number;

  @IsString()
  @Describe('IANA name of the time zone of the server')
  readonly timezone!: string;
}

/** Tells the time of the server, in its own time zone. */
@Injectable()
export class TimeTool {
  private readonly timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  constructor(private readonly clock: Clock) {}

  @Tool({
    name: 'get_time',
    title: 'Server time',
    description: 'Get current server time',
    output: ServerTime,
    readOnly: true,
    openWorld: false,
  })
  getTime(): ToolResult {
    const epochMs = this.clock.now();
    const iso = isoWithOffset(epochMs, -new Date(epochMs).getTimezoneOffset());
    const time: ServerTime = { iso, epochMs, timezone: this.timezone };
    return { content: [{ type: 'text', text: `Current server time: ${iso}` }], structuredContent: { ...time } };
  }
}
