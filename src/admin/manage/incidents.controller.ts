import type { IncomingMessage } from 'node:http';
import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { IsIn, IsInt, IsOptional, IsString, Length, Max, Min, ValidateIf } from 'class-validator';
import {
  callerOf,
  type Incident,
  Incidents,
  type IncidentScope,
  nameOf,
  type Principal,
  RequiresPermission,
} from '../../auth/index.js';
import { Clock, printable, ProtocolError } from '../../common/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';
import { dateOf, MAX_DURATION_SEC, untilOf } from './durations.js';

const KINDS = ['read_only', 'tool', 'principal'] as const satisfies readonly IncidentScope['kind'][];
const MAX_CHARS = 1_024;

/** What is to be kept from running. */
export class IncidentBody {
  @ApiProperty({ enum: KINDS, description: 'All that changes anything, one tool, or all that one principal does' })
  @IsIn(KINDS)
  readonly kind!: IncidentScope['kind'];

  @ApiProperty({ required: false, description: 'Of the kind tool' })
  @ValidateIf(({ kind }: IncidentBody) => kind === 'tool')
  @IsString()
  @Length(1, 128)
  readonly tool?: string;

  @ApiProperty({ required: false, description: 'Of the kind principal' })
  @ValidateIf(({ kind }: IncidentBody) => kind === 'principal')
  @IsString()
  @Length(1, MAX_CHARS)
  readonly issuer?: string;

  @ApiProperty({ required: false, description: 'Of the kind principal' })
  @ValidateIf(({ kind }: IncidentBody) => kind === 'principal')
  @IsString()
  @Length(1, MAX_CHARS)
  readonly subject?: string;

  @ApiProperty({ description: 'Why: people read it in logs and lists', maxLength: 500 })
  @IsString()
  @Length(1, 500)
  readonly reason!: string;

  @ApiProperty({
    required: false,
    minimum: 1,
    maximum: MAX_DURATION_SEC,
    description: 'How long, s; an hour if left out',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DURATION_SEC)
  readonly durationSec?: number;
}

/** The incident switch: read-only mode, and quarantine of a tool or of a principal. */
@ApiTags('incidents')
@RestController('admin/incidents')
export class IncidentsController {
  constructor(
    private readonly incidents: Incidents,
    private readonly requests: RestRequests,
    private readonly clock: Clock,
  ) {}

  @ApiOperation({ summary: 'Incidents that are on, the oldest first' })
  @RequiresPermission('read:incidents')
  @Get()
  list(): object {
    const incidents = this.incidents.list().map(incidentView);
    return { incidents, total: incidents.length };
  }

  @ApiOperation({ summary: 'Throws the switch, at once and over restarts; it goes back by itself' })
  @RequiresPermission('manage:incidents')
  @Changes('incident.start')
  @Post()
  async start(@Body() body: IncidentBody, @Req() req: IncomingMessage): Promise<object> {
    const { reason, durationSec } = body;
    const caller = callerOf(req);
    const scope = scopeOf(body);
    this.requests.note(req, { target: targetOf(scope), details: { reason, durationSec } });
    refuseOneself(scope, caller);
    const until = durationSec === undefined ? undefined : untilOf(durationSec, this.clock);
    const words = printable(reason, Number.POSITIVE_INFINITY);
    return incidentView(await this.incidents.start({ scope, reason: words, by: nameOf(caller), until }));
  }

  @ApiOperation({ summary: 'Puts the switch back before its time' })
  @RequiresPermission('manage:incidents')
  @Changes('incident.end', 'incident')
  @HttpCode(204)
  @Delete(':id')
  async end(@Param('id') id: string, @Req() req: IncomingMessage): Promise<void> {
    if (await this.incidents.end(id, nameOf(callerOf(req)))) return;
    const name = printable(id, MAX_CHARS);
    throw new ProtocolError('not_found', `No incident ${name} is on: list them with GET /admin/incidents.`);
  }
}

function scopeOf({ kind, tool = '', issuer = '', subject = '' }: IncidentBody): IncidentScope {
  switch (kind) {
    case 'read_only':
      return { kind };
    case 'tool':
      return { kind, tool };
    case 'principal':
      return { kind, issuer, subject };
  }
}

function targetOf(scope: IncidentScope): string {
  if (scope.kind === 'read_only') return scope.kind;
  return printable(scope.kind === 'tool' ? `tool:${scope.tool}` : `principal:${nameOf(scope)}`, MAX_CHARS);
}

/** Whoever shuts themselves out could not put it back. */
function refuseOneself(scope: IncidentScope, caller: Principal): void {
  if (scope.kind !== 'principal' || nameOf(scope) !== nameOf(caller)) return;
  throw new ProtocolError(
    'invalid_params',
    'You cannot put yourself in quarantine: nobody else could be sure to end it.',
  );
}

function incidentView({ id, scope, reason, by, since, until }: Incident): object {
  return { id, scope, reason, by, since: dateOf(since), until: dateOf(until) };
}
