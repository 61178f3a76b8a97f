import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';
import { negotiate, type RequestMessage, rulesOf } from '../../protocol/index.js';
import { SessionService } from '../../session/index.js';
import type { Exchange } from '../exchange.js';
import { objectParam, stringParam } from '../params.js';
import { ServerIdentity } from '../server-identity.js';

/** Opens a session: the one method that needs none. @see MCP 2025-11-25, basic/lifecycle, "Initialization" */
@Injectable()
export class InitializeHandler {
  constructor(
    private readonly sessions: SessionService,
    private readonly identity: ServerIdentity,
  ) {}

  /** @throws ProtocolError already_initialized, invalid_params, session_limit */
  async handle(request: RequestMessage, exchange: Exchange): Promise<JsonObject> {
    if (exchange.session && !exchange.session.isEnded)
      throw new ProtocolError('already_initialized', 'This session is already initialized');
    const params = request.params ?? {};
    const revision = negotiate(stringParam(params, 'protocolVersion'));
    const capabilities = objectParam(params, 'capabilities');
    if (!capabilities) throw new ProtocolError('invalid_params', 'Invalid params: capabilities must be an object');
    exchange.session = await this.sessions.open({
      principal: exchange.principal,
      revision,
      capabilities,
      clientInfo: clientInfo(params['clientInfo']),
      origin: exchange.origin,
      sealed: exchange.isSealed,
    });
    return {
      protocolVersion: revision,
      capabilities: this.identity.capabilities(rulesOf(revision)),
      serverInfo: this.identity.info,
    };
  }
}

/** @throws ProtocolError invalid_params */
function clientInfo(value: unknown): { name: string; version: string } {
  if (isJsonObject(value) && typeof value['name'] === 'string' && typeof value['version'] === 'string') {
    return { name: value['name'], version: value['version'] };
  }
  throw new ProtocolError('invalid_params', 'Invalid params: clientInfo must have a name and a version');
}
