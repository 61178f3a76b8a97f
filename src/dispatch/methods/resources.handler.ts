import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../common/index.js';
import type { SerializedResult } from '../../protocol/index.js';
import { ResourceRegistry } from '../../resources/index.js';
import { SessionService } from '../../session/index.js';
import { type MethodCall, MethodHandler, sessionOf } from '../method-handler.js';
import { Pages } from '../pages.js';
import { stringParam } from '../params.js';
import { ServerIdentity } from '../server-identity.js';
import { resourceTemplateView, resourceView } from '../views.js';

/** @see MCP 2025-11-25, server/resources */
@Injectable()
export class ResourcesHandler extends MethodHandler {
  override readonly methods = {
    'resources/list': 'both',
    'resources/templates/list': 'both',
    'resources/read': 'both',
    'resources/subscribe': 'legacy',
    'resources/unsubscribe': 'legacy',
  } as const;

  constructor(
    private readonly registry: ResourceRegistry,
    private readonly pages: Pages,
    private readonly identity: ServerIdentity,
    private readonly sessions: SessionService,
  ) {
    super();
  }

  override handle(call: MethodCall): SerializedResult | JsonObject | Promise<JsonObject> {
    switch (call.request.method) {
      case 'resources/list':
        return this.list(call);
      case 'resources/templates/list':
        return this.templates(call);
      case 'resources/subscribe':
        return this.subscribe(call);
      case 'resources/unsubscribe':
        return this.unsubscribe(call);
      default:
        return this.read(call);
    }
  }

  private async read({ params, peer, scope }: MethodCall): Promise<JsonObject> {
    const result = await this.registry.read(stringParam(params, 'uri'), scope);
    return peer.era === 'modern' ? this.identity.uncacheable(result) : result;
  }

  /** @throws ProtocolError resource_not_found, insufficient_scope, invalid_params (too many subscriptions) */
  private async subscribe(call: MethodCall): Promise<JsonObject> {
    const uri = stringParam(call.params, 'uri');
    this.registry.requireOpen(uri, call.exchange.principal);
    const session = sessionOf(call);
    session.subscribe(uri);
    await this.sessions.share(session);
    return {};
  }

  private async unsubscribe(call: MethodCall): Promise<JsonObject> {
    const session = sessionOf(call);
    session.unsubscribe(stringParam(call.params, 'uri'));
    await this.sessions.share(session);
    return {};
  }

  private list({ params, peer, exchange }: MethodCall): SerializedResult {
    const { revision, rules } = peer;
    return this.pages.page(
      {
        list: 'resources',
        version: this.registry.version,
        entries: () => this.registry.resources(),
        view: (resource) => resourceView(resource, rules),
      },
      { principal: exchange.principal, revision, cursor: params['cursor'] },
    );
  }

  private templates({ params, peer, exchange }: MethodCall): SerializedResult {
    const { revision, rules } = peer;
    return this.pages.page(
      {
        list: 'resourceTemplates',
        version: this.registry.version,
        entries: () => this.registry.templates(),
        view: (template) => resourceTemplateView(template, rules),
      },
      { principal: exchange.principal, revision, cursor: params['cursor'] },
    );
  }
}
