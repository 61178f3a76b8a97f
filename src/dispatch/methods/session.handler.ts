import { Injectable } from '@nestjs/common';
import { type JsonObject, ProtocolError } from '../../common/index.js';
import { LOG_SEVERITIES, type LogSeverity, logSeverity } from '../../protocol/index.js';
import { SessionService } from '../../session/index.js';
import { type MethodCall, MethodHandler, sessionOf } from '../method-handler.js';
import { stringParam } from '../params.js';

/** What concerns the session itself: liveness and its log level. @see MCP 2025-11-25, basic/utilities/ping; server/utilities/logging */
@Injectable()
export class SessionHandler extends MethodHandler {
  override readonly methods = { ping: 'legacy', 'logging/setLevel': 'legacy' } as const;

  constructor(private readonly sessions: SessionService) {
    super();
  }

  override handle(call: MethodCall): JsonObject | Promise<JsonObject> {
    const { request, params } = call;
    if (request.method === 'ping') return {};
    const level = logSeverity(stringParam(params, 'level'));
    if (!level)
      throw new ProtocolError('invalid_params', `Invalid params: level must be one of ${LOG_SEVERITIES.join(', ')}`);
    return this.setLevel(call, level);
  }

  private async setLevel(call: MethodCall, level: LogSeverity): Promise<JsonObject> {
    const session = sessionOf(call);
    session.logLevel = level;
    await this.sessions.share(session);
    return {};
  }
}
