import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../common/index.js';
import { rulesOf, type SerializedResult } from '../../protocol/index.js';
import { ResourceRegistry } from '../../resources/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { Pages } from '../pages.js';
import { stringParam } from '../params.js';
import { resourceTemplateView, resourceView } from '../views.js';

/** @see MCP 2025-11-25, server/resources */
@Injectable()
export class ResourcesHandler extends MethodHandler {
  override readonly methods = ['resources/list', 'resources/templates/list', 'resources/read'];

  constructor(
    private readonly registry: ResourceRegistry,
    private readonly pages: Pages,
  ) {
    super();
  }

  override handle(call: MethodCall): SerializedResult | Promise<JsonObject> {
    switch (call.request.method) {
      case 'resources/list':
        return this.list(call);
      case 'resources/templates/list':
        return this.templates(call);
      default:
        return this.registry.read(stringParam(call.params, 'uri'), call.scope);
    }
  }

  private list({ params, session, exchange }: MethodCall): SerializedResult {
    const { revision } = session;
    const rules = rulesOf(revision);
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

  private templates({ params, session, exchange }: MethodCall): SerializedResult {
    const { revision } = session;
    const rules = rulesOf(revision);
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
