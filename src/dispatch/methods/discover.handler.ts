import { Injectable } from '@nestjs/common';
import { SUPPORTED_REVISIONS, type SerializedResult } from '../../protocol/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { ServerIdentity } from '../server-identity.js';

/** @see MCP 2026-07-28, server/discover */
@Injectable()
export class DiscoverHandler extends MethodHandler {
  override readonly methods = { 'server/discover': 'modern' } as const;
  private answer: SerializedResult | undefined;

  constructor(private readonly identity: ServerIdentity) {
    super();
  }

  override handle({ peer }: MethodCall): SerializedResult {
    return (this.answer ??= this.identity.sealed(
      this.identity.cacheable({
        supportedVersions: SUPPORTED_REVISIONS,
        capabilities: this.identity.capabilities(peer.rules),
      }),
    ));
  }
}
