import { Body, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '../docs/api-decorators.js';
import { IsOptional, IsString, Length } from 'class-validator';
import { KnownPrincipals, RequiresPermission } from '../../auth/index.js';
import { printable, ProtocolError } from '../../common/index.js';
import { Explainer, type Explanation } from '../../dispatch/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

const MAX_CHARS = 1_024;

/** Whose call, of what. */
export class ExplainQuery {
  @ApiProperty({ description: 'A role, or a principal: viewer, anonymous, gatehouse/anonymous' })
  @IsString()
  @Length(1, MAX_CHARS)
  readonly principal!: string;

  @ApiProperty({ description: 'A tool, or resource:server://info, prompt:server-overview' })
  @IsString()
  @Length(1, MAX_CHARS)
  readonly target!: string;
}

/** The same, with arguments: they may hold secrets, and have no place in a URL. */
export class ExplainBody extends ExplainQuery {
  @ApiProperty({ required: false, description: 'Arguments of the call, for the schema and the rules on them' })
  @IsOptional()
  readonly args?: unknown;
}

/** Says why a call would be let in or refused, look by look, as a dry run. */
@ApiTags('explain')
@RestController('admin/explain')
export class ExplainController {
  constructor(
    private readonly explainer: Explainer,
    private readonly principals: KnownPrincipals,
  ) {}

  @ApiOperation({ summary: 'Whether a call would be let in, and why' })
  @RequiresPermission('read:explain')
  @Get()
  ask(@Query() question: ExplainQuery): Promise<Explanation> {
    return this.explain(question);
  }

  @ApiOperation({ summary: 'The same for a call with arguments; nothing is called' })
  @RequiresPermission('read:explain')
  @HttpCode(200)
  @Post()
  askWith(@Body() question: ExplainBody): Promise<Explanation> {
    return this.explain(question);
  }

  private async explain({ principal: name, target, args }: ExplainBody): Promise<Explanation> {
    const principal = await this.principals.find(name);
    if (principal) return this.explainer.explain(principal, target, args);
    const known = (await this.principals.names()).join(', ');
    throw new ProtocolError('not_found', `"${printable(name)}" is no role or principal that is known: ${known}`);
  }
}
