import { Get, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { IsOptional, IsString, Length } from 'class-validator';
import { KnownPrincipals, nameOf, RequiresPermission } from '../../auth/index.js';
import { printable, ProtocolError } from '../../common/index.js';
import { principalKey, RateLimiter } from '../../limits/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { LimitsReport } from './limits-report.js';

/** Of whom to show more. */
export class LimitQuery {
  @ApiProperty({ required: false, description: 'A role, or a principal that proves itself: how its messages stand' })
  @IsOptional()
  @IsString()
  @Length(1, 1_024)
  readonly principal?: string;
}

/** What is allowed at most, and how much of it is taken now. */
@ApiTags('limits')
@RestController('admin/limits')
export class LimitsController {
  constructor(
    private readonly limits: LimitsReport,
    private readonly rates: RateLimiter,
    private readonly principals: KnownPrincipals,
  ) {}

  @ApiOperation({ summary: 'Limits of messages, connections, sessions and tools' })
  @RequiresPermission('read:limits')
  @Get()
  async show(@Query() { principal }: LimitQuery): Promise<object> {
    const all = this.limits.report();
    return principal === undefined ? all : { ...all, caller: await this.standingOf(principal) };
  }

  private async standingOf(name: string): Promise<object> {
    const principal = await this.principals.find(name);
    if (!principal) {
      throw new ProtocolError('not_found', `"${printable(name)}" is no role or principal that is known here.`);
    }
    const messages = await this.rates.viewMessages(principalKey(principal), principal.roles);
    return { principal: nameOf(principal), messages: messages ?? null };
  }
}
