import type { IncomingMessage } from 'node:http';
import { Body, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { IsString, Length } from 'class-validator';
import { RequiresPermission } from '../../auth/index.js';
import { Connections } from '../../transport/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';

const MAX_CHARS = 2_000;

/** What to say. */
export class NoticeBody {
  @ApiProperty({ maxLength: MAX_CHARS })
  @IsString()
  @Length(1, MAX_CHARS)
  readonly message!: string;
}

/** Words for every client that is connected. */
@ApiTags('sessions')
@RestController('admin/notices')
export class NoticesController {
  constructor(
    private readonly connections: Connections,
    private readonly requests: RestRequests,
  ) {}

  @ApiOperation({ summary: 'Says something to every client that is connected and takes such (S0-17)' })
  @RequiresPermission('manage:sessions')
  @Changes('clients.notify')
  @HttpCode(200)
  @Post()
  tell(@Body() { message }: NoticeBody, @Req() req: IncomingMessage): { readonly told: number } {
    const told = this.connections.notifyAll(message);
    this.requests.note(req, { target: 'clients', details: { message, told } });
    return { told };
  }
}
