import type { IncomingMessage } from 'node:http';
import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '../docs/api-decorators.js';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
} from 'class-validator';
import { ApiKeys, callerOf, type GuardedRequest, KeyGrants, nameOf, RequiresPermission } from '../../auth/index.js';
import { printable } from '../../common/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';

const MAX_NAMES = 32;
/** Of what the record says of roles. */
const MAX_ROLES_CHARS = 500;
const MAX_OVERLAP_MS = 2_592_000_000;

type Caller = IncomingMessage & GuardedRequest;

/** A key to be made. */
export class KeyBody {
  @ApiProperty({ description: 'Who calls with it: the subject of the principal', maxLength: 128 })
  @IsString()
  @Length(1, 128)
  readonly name!: string;

  @ApiProperty({ type: [String], description: 'Roles that there are, at least one' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_NAMES)
  @IsString({ each: true })
  readonly roles!: readonly string[];

  @ApiPropertyOptional({ type: [String], description: 'Scopes that limit it; without, none does' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_NAMES)
  @IsString({ each: true })
  readonly scopes?: readonly string[];

  @ApiPropertyOptional({ description: 'When it ends, ISO 8601; without, it does not' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly expiresAt?: string;
}

/** How a secret is replaced. */
export class RotationBody {
  @ApiPropertyOptional({ minimum: 0, maximum: MAX_OVERLAP_MS, description: 'How long the old secret stays good, ms' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_OVERLAP_MS)
  readonly overlapMs?: number;
}

/** API keys: each secret is shown once, to whoever made it (S2-14); nobody hands out more than they have. */
@ApiTags('keys')
@RestController('admin/keys')
export class KeysController {
  constructor(
    private readonly keys: ApiKeys,
    private readonly grants: KeyGrants,
    private readonly requests: RestRequests,
  ) {}

  @ApiOperation({ summary: 'Every key, without its secret' })
  @RequiresPermission('read:keys')
  @Get()
  list(): object {
    const keys = this.keys.list();
    return { keys, total: keys.length };
  }

  @ApiOperation({ summary: 'Makes a key; its token is shown this once' })
  @RequiresPermission('manage:keys')
  @Changes('key.create')
  @Post()
  async create(@Body() { expiresAt, ...body }: KeyBody, @Req() req: Caller): Promise<object> {
    const ends = expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) };
    // Also of a key that is refused: who tried to hand out what.
    const details = { name: printable(body.name), roles: printable(body.roles.join(' '), MAX_ROLES_CHARS) };
    this.requests.note(req, { details });
    this.grants.check(callerOf(req), body);
    const made = await this.keys.create({ ...body, ...ends }, nameOf(callerOf(req)));
    this.requests.note(req, { target: `key:${made.key.id}` });
    return made;
  }

  @ApiOperation({ summary: 'Gives a key a new secret; the old one stays good for a while' })
  @RequiresPermission('manage:keys')
  @Changes('key.rotate', 'key')
  @HttpCode(200)
  @Post(':id/rotate')
  rotate(@Param('id') id: string, @Body() { overlapMs }: RotationBody, @Req() req: Caller): Promise<object> {
    // Whoever gets the new token has what the key has.
    this.grants.check(callerOf(req), this.keys.describe(id));
    return this.keys.rotate(id, nameOf(callerOf(req)), overlapMs);
  }

  @ApiOperation({ summary: 'Ends a key, and what was opened with it' })
  @RequiresPermission('manage:keys')
  @Changes('key.revoke', 'key')
  @Delete(':id')
  revoke(@Param('id') id: string, @Req() req: Caller): Promise<object> {
    return this.keys.revoke(id, nameOf(callerOf(req)));
  }
}
