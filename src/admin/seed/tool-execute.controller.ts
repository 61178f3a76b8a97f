import type { IncomingMessage, ServerResponse } from 'node:http';
import { Body, HttpCode, Param, Post, Req, Res, ValidationPipe } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { AnyCaller, callerOf } from '../../auth/index.js';
import { isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';
import { ToolRegistry } from '../../tools/index.js';
import { RestController, VALIDATION_OPTIONS } from '../rest/rest-controller.decorator.js';
import { ExecuteBody } from './execute-body.dto.js';
import { ToolDoor } from './tool-door.js';
import type { ToolOutput } from './tool-output.js';

const OURS: readonly string[] = ['timeout_sec', 'correlation_id'] satisfies (keyof ExecuteBody)[];

/** Only what is ours is held against the DTO: the rest is for the tool's own schema. */
const CONTROLS = new ValidationPipe({ ...VALIDATION_OPTIONS, whitelist: true, forbidNonWhitelisted: false });

/** Calls of tools by REST (S4-5). */
@ApiTags('tools')
@RestController('tools')
export class ToolExecuteController {
  constructor(
    private readonly door: ToolDoor,
    private readonly registry: ToolRegistry,
  ) {}

  @ApiOperation({ summary: 'Calls a tool; the body holds its arguments, and timeout_sec and correlation_id' })
  @ApiBody({ schema: { type: 'object', additionalProperties: true } })
  @AnyCaller()
  @HttpCode(200)
  @Post(':name/execute')
  async execute(
    @Param('name') name: string,
    @Body() body: object,
    @Req() req: IncomingMessage,
    @Res({ passthrough: true }) res: ServerResponse,
  ): Promise<ToolOutput> {
    const given: unknown = body ?? {};
    if (!isJsonObject(given)) throw new ProtocolError('invalid_params', 'The body must be a JSON object.');
    const controls = (await CONTROLS.transform({ ...given }, { type: 'body', metatype: ExecuteBody })) as ExecuteBody;
    const call = {
      name,
      args: this.argumentsIn(given, name),
      timeoutSec: controls.timeout_sec,
      correlationId: controls.correlation_id,
      principal: callerOf(req),
    };
    return this.door.execute(call, req, res);
  }

  /** What is ours is an argument only where the tool's own schema has it. */
  private argumentsIn(body: JsonObject, tool: string): JsonObject {
    const properties = this.registry.get(tool)?.input.json['properties'];
    const isArgument = (key: string): boolean =>
      !OURS.includes(key) || (isJsonObject(properties) && Object.hasOwn(properties, key));
    return Object.fromEntries(Object.entries(body).filter(([key]) => isArgument(key)));
  }
}
