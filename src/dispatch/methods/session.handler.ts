import { Injectable } from '@nestjs/common';
import { type JsonObject, ProtocolError } from '../../common/index.js';
import { LOG_SEVERITIES } from '../../tools/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { stringParam } from '../params.js';

/** What concerns the session itself: liveness and its log level. @see MCP 2025-11-25, basic/utilities/ping; server/utilities/logging */
@Injectable()
export class SessionHandler extends MethodHandler {
  override readonly methods = ['ping', 'logging/setLevel'];

  override handle({ request, params, session }: MethodCall): JsonObject {
    if (request.method === 'ping') return {};
    const level = LOG_SEVERITIES.find((known) => known === stringParam(params, 'level'));
    if (!level)
      throw new ProtocolError('invalid_params', `Invalid params: level must be one of ${LOG_SEVERITIES.join(', ')}`);
    session.logLevel = level;
    return {};
  }
}
