import { ApiProperty } from '../docs/api-decorators.js';
import { IsNumber, IsOptional, Matches, Max, Min } from 'class-validator';

const CORRELATION_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * What stands beside the arguments in the body of an execute request (S4-5). All other properties are arguments of the
 * tool, and held against its own schema.
 */
export class ExecuteBody {
  @ApiProperty({ required: false, minimum: 1, maximum: 3_600, description: 'Deadline, s: it can only shorten.' })
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false }, { message: 'timeout_sec must be a number' })
  @Min(1, { message: 'timeout_sec must be 1 at least' })
  @Max(3_600, { message: 'timeout_sec must be 3600 at most' })
  readonly timeout_sec?: number;

  @ApiProperty({ required: false, pattern: CORRELATION_ID.source, description: 'Comes back with the output.' })
  @IsOptional()
  @Matches(CORRELATION_ID, { message: 'correlation_id must be 1 to 64 of A-Z a-z 0-9 . _ -' })
  readonly correlation_id?: string;
}
