import type { IncomingMessage } from 'node:http';
import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { IsInt, IsIP, IsString, Length, Max, Min } from 'class-validator';
import { RequiresPermission } from '../../auth/index.js';
import { printable, ProtocolError } from '../../common/index.js';
import { type AddressBlock, AddressBlocks } from '../../limits/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';

const MAX_DURATION_SEC = 86_400;
const MS_PER_SEC = 1_000;

/** A block to be set. */
export class BlockBody {
  @ApiProperty({ description: 'IPv4 or IPv6 address; of IPv6 its /64 is blocked' })
  @IsIP(undefined, { message: 'address must be an IP address' })
  readonly address!: string;

  @ApiProperty({ minimum: 1, maximum: MAX_DURATION_SEC, description: 'How long, s' })
  @IsInt()
  @Min(1)
  @Max(MAX_DURATION_SEC)
  readonly durationSec!: number;

  @ApiProperty({ description: 'Why, for those who come after' })
  @IsString()
  @Length(1, 200)
  readonly reason!: string;
}

/** Addresses that may not connect for a while (S2-17). */
@ApiTags('blocks')
@RestController('admin/blocks')
export class BlocksController {
  constructor(
    private readonly blocks: AddressBlocks,
    private readonly requests: RestRequests,
  ) {}

  @ApiOperation({ summary: 'Addresses that are blocked now' })
  @RequiresPermission('read:blocks')
  @Get()
  list(): object {
    const blocks = this.blocks.list().map(blockView);
    return { blocks, total: blocks.length };
  }

  @ApiOperation({ summary: 'Blocks an address for a time; loopback never is' })
  @RequiresPermission('manage:blocks')
  @Changes('block.add')
  @Post()
  add(@Body() { address, durationSec, reason }: BlockBody, @Req() req: IncomingMessage): object {
    this.requests.note(req, { target: `address:${address}`, details: { reason, durationSec } });
    const block = this.blocks.block(address, durationSec * MS_PER_SEC, printable(reason));
    if (!block) throw new ProtocolError('invalid_params', 'Loopback is never blocked: name another address.');
    return blockView(block);
  }

  @ApiOperation({ summary: 'Lifts a block before its time' })
  @RequiresPermission('manage:blocks')
  @Changes('block.lift', 'address')
  @HttpCode(204)
  @Delete(':address')
  lift(@Param('address') address: string): void {
    if (this.blocks.lift(address)) return;
    const name = printable(address, 64);
    throw new ProtocolError('not_found', `${name} is not blocked: list blocks with GET /admin/blocks.`);
  }
}

function blockView({ address, reason, until }: AddressBlock): object {
  return { address, reason, until: new Date(until).toISOString() };
}
