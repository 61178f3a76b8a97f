import type { ServerResponse } from 'node:http';
import { Get, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { Type } from 'class-transformer';
import { IsInt, IsISO8601, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { AuditLog } from '../../audit/index.js';
import { RequiresPermission } from '../../auth/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { AuditReading } from './audit-reading.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_CHARS = 1_024;
const ANYTHING = 'Exactly this, or with * for anything';

/** Which records to show. */
export class AuditSearch {
  @ApiProperty({ required: false, description: ANYTHING })
  @IsOptional()
  @IsString()
  @Length(1, MAX_CHARS)
  readonly principal?: string;

  @ApiProperty({ required: false, description: ANYTHING })
  @IsOptional()
  @IsString()
  @Length(1, MAX_CHARS)
  readonly target?: string;

  @ApiProperty({ required: false, description: 'success, failure, timeout, cancelled, refused, waiting, started' })
  @IsOptional()
  @IsString()
  @Length(1, 32)
  readonly outcome?: string;

  @ApiProperty({ required: false, description: 'A kind of error' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  readonly kind?: string;

  @ApiProperty({ required: false, description: 'call, admin, start, end, recovered, lost' })
  @IsOptional()
  @IsString()
  @Length(1, 32)
  readonly type?: string;

  @ApiProperty({ required: false })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  readonly requestId?: string;

  @ApiProperty({ required: false, format: 'date-time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly since?: string;

  @ApiProperty({ required: false, format: 'date-time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly until?: string;

  @ApiProperty({ required: false, minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_LIMIT)
  readonly limit?: number;
}

/** The audit log, for those who may read it: as it stands in its file. */
@ApiTags('audit')
@RestController('admin/audit')
export class AuditController {
  constructor(
    private readonly reading: AuditReading,
    private readonly audit: AuditLog,
  ) {}

  @ApiOperation({ summary: 'The newest records that fit all that is given, oldest first' })
  @RequiresPermission('read:audit')
  @Get()
  async search(
    @Query() { limit = DEFAULT_LIMIT, since, until, ...texts }: AuditSearch,
    @Res({ passthrough: true }) res: ServerResponse,
  ): Promise<object> {
    const query = { ...texts, since: momentOf(since), until: momentOf(until) };
    const records = await this.reading.newest(query, limit, () => res.destroyed);
    return { records, total: records.length };
  }

  @ApiOperation({ summary: 'Whether it is written, what waits and what was lost, and the newest link of its chain' })
  @RequiresPermission('read:audit')
  @Get('status')
  status(): object {
    const status = this.audit.status();
    if (!status) return { hasFile: false, isAvailable: this.audit.isAvailable };
    const { isWritable, waiting, lost, head } = status;
    const facts = { isWritable, waitingCharacters: waiting, lostRecords: lost, head: head ?? null };
    return { hasFile: true, isAvailable: this.audit.isAvailable, ...facts };
  }
}

function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
