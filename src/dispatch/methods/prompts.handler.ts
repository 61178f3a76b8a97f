import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../common/index.js';
import { PromptRegistry } from '../../prompts/index.js';
import type { SerializedResult } from '../../protocol/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { Pages } from '../pages.js';
import { stringMapParam, stringParam } from '../params.js';
import { promptResultView, promptView } from '../views.js';

/** @see MCP 2025-11-25, server/prompts */
@Injectable()
export class PromptsHandler extends MethodHandler {
  override readonly methods = { 'prompts/list': 'both', 'prompts/get': 'both' } as const;

  constructor(
    private readonly registry: PromptRegistry,
    private readonly pages: Pages,
  ) {
    super();
  }

  override handle(call: MethodCall): SerializedResult | Promise<JsonObject> {
    return call.request.method === 'prompts/list' ? this.list(call) : this.get(call);
  }

  private list({ params, peer, exchange }: MethodCall): SerializedResult {
    const { revision, rules } = peer;
    return this.pages.page(
      {
        list: 'prompts',
        version: this.registry.version,
        entries: () => this.registry.all(),
        view: (prompt) => promptView(prompt, rules),
      },
      { principal: exchange.principal, revision, cursor: params['cursor'] },
    );
  }

  private async get({ params, peer: { rules }, scope }: MethodCall): Promise<JsonObject> {
    const name = stringParam(params, 'name');
    return promptResultView(await this.registry.get(name, stringMapParam(params, 'arguments'), scope), rules);
  }
}
