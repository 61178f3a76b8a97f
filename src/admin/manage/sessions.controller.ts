import { Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { RequiresPermission } from '../../auth/index.js';
import { printable, ProtocolError } from '../../common/index.js';
import { type Session, SessionService } from '../../session/index.js';
import { MetricsReport } from '../metrics/metrics-report.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** Which sessions to list. */
export class SessionQuery {
  @ApiProperty({ required: false, description: 'Only sessions of this subject' })
  @IsOptional()
  @IsString()
  @Length(1, 256)
  readonly subject?: string;

  @ApiProperty({ required: false, minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_LIMIT)
  readonly limit?: number;
}

/** The sessions of this process, by their hash: their ids open them, and are shown to nobody (D-7). */
@ApiTags('sessions')
@RestController('admin/sessions')
export class SessionsController {
  constructor(
    private readonly sessions: SessionService,
    private readonly figures: MetricsReport,
  ) {}

  @ApiOperation({ summary: 'Sessions of this process, the one seen last first' })
  @RequiresPermission('read:sessions')
  @Get()
  list(@Query() { subject, limit = DEFAULT_LIMIT }: SessionQuery): object {
    const all = this.sessions.list();
    const wanted = subject === undefined ? all : all.filter((session) => session.subject === subject);
    const newest = [...wanted].sort((a, b) => b.lastSeenAt - a.lastSeenAt).slice(0, limit);
    return { sessions: newest.map(sessionView), total: wanted.length };
  }

  @ApiOperation({ summary: 'What all clients together do (S3-10)' })
  @RequiresPermission('read:sessions')
  @Get('metrics')
  metrics(): object {
    return this.figures.multiClient();
  }

  @ApiOperation({ summary: 'One session' })
  @RequiresPermission('read:sessions')
  @Get(':id')
  one(@Param('id') id: string): object {
    return sessionView(this.find(id));
  }

  @ApiOperation({
    summary: 'Ends a session: its calls are cancelled, its streams closed, and its id never opens again',
  })
  @RequiresPermission('manage:sessions')
  @Changes('session.end', 'session')
  @HttpCode(204)
  @Delete(':id')
  async end(@Param('id') id: string): Promise<void> {
    const session = this.find(id);
    try {
      await this.sessions.end(session, 'admin');
    } catch (cause) {
      throw new ProtocolError(
        'store_unavailable',
        'The session has ended here, and its end could not be written down: a restart may bring it back. Try again.',
        { cause },
      );
    }
  }

  private find(id: string): Session {
    const session = this.sessions.list().find(({ idHash }) => idHash === id);
    if (session) return session;
    throw new ProtocolError(
      'session_not_found',
      `No session ${printable(id, 64)} here: list them with GET /admin/sessions.`,
    );
  }
}

function sessionView(session: Session): object {
  const { idHash, issuer, subject, revision, clientInfo, issuedAt, lastSeenAt, expiresAt } = session;
  return {
    id: idHash,
    principal: { issuer, subject },
    revision,
    client: clientInfo ?? null,
    startedAt: new Date(issuedAt).toISOString(),
    lastSeenAt: new Date(lastSeenAt).toISOString(),
    expiresAt: Number.isFinite(expiresAt) ? new Date(expiresAt).toISOString() : null,
    runningCalls: session.runningCount,
    streams: session.streamCount,
    subscriptions: session.subscriptions.size,
  };
}
