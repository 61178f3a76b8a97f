import type { IncomingMessage } from 'node:http';
import { Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { RequiresPermission } from '../../auth/index.js';
import { printable, ProtocolError } from '../../common/index.js';
import { type Session, SessionService } from '../../session/index.js';
import { SessionsSeen } from '../../transport/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';
import { dateOf } from './durations.js';

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
    private readonly seen: SessionsSeen,
    private readonly requests: RestRequests,
  ) {}

  @ApiOperation({ summary: 'Sessions of this process, the one seen last first' })
  @RequiresPermission('read:sessions')
  @Get()
  list(@Query() { subject, limit = DEFAULT_LIMIT }: SessionQuery): object {
    const all = this.sessions.list();
    const wanted = subject === undefined ? all : all.filter((session) => session.subject === subject);
    const newest = [...wanted].sort((a, b) => b.lastSeenAt - a.lastSeenAt).slice(0, limit);
    return { sessions: newest.map((session) => this.view(session)), total: wanted.length };
  }

  @ApiOperation({ summary: 'One session' })
  @RequiresPermission('read:sessions')
  @Get(':id')
  one(@Param('id') id: string): object {
    return this.view(this.find(id));
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

  @ApiOperation({ summary: 'Cancels what runs in a session, which goes on (S3-12)' })
  @RequiresPermission('manage:sessions')
  @Changes('session.cancel', 'session')
  @HttpCode(200)
  @Post(':id/cancel')
  cancel(@Param('id') id: string, @Req() req: IncomingMessage): object {
    const cancelled = this.seen.cancelBySession(this.find(id).idHash);
    this.requests.note(req, { details: { cancelled } });
    return { cancelled };
  }

  private find(id: string): Session {
    const session = this.sessions.list().find(({ idHash }) => idHash === id);
    if (session) return session;
    throw new ProtocolError(
      'session_not_found',
      `No session ${printable(id, 64)} here: list them with GET /admin/sessions.`,
    );
  }

  private view(session: Session): object {
    const { idHash, issuer, subject, revision, clientInfo, origin, issuedAt, expiresAt } = session;
    return {
      id: idHash,
      principal: { issuer, subject },
      revision,
      client: clientInfo ?? null,
      door: origin?.door ?? null,
      address: origin?.address ?? null,
      userAgent: origin?.userAgent ?? null,
      startedAt: dateOf(issuedAt),
      lastSeenAt: this.seen.context(idHash)?.lastSeenAt ?? dateOf(session.lastSeenAt),
      expiresAt: Number.isFinite(expiresAt) ? dateOf(expiresAt) : null,
      runningCalls: session.runningCount,
      streams: session.streamCount,
      subscriptions: session.subscriptions.size,
    };
  }
}
