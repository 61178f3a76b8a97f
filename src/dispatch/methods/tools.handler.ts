import { Injectable } from '@nestjs/common';
import { isGatehouseError, type JsonObject } from '../../common/index.js';
import type { SerializedResult } from '../../protocol/index.js';
import { CallGate, ToolExecutor, ToolRegistry, toFailedResult } from '../../tools/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { Pages } from '../pages.js';
import { stringParam } from '../params.js';
import { TaskStarter } from '../tasks/task-starter.js';
import { toolResultView, toolView } from '../views.js';

/** @see MCP 2025-11-25, server/tools */
@Injectable()
export class ToolsHandler extends MethodHandler {
  override readonly methods = { 'tools/list': 'both', 'tools/call': 'both' } as const;

  constructor(
    private readonly registry: ToolRegistry,
    private readonly executor: ToolExecutor,
    private readonly starter: TaskStarter,
    private readonly pages: Pages,
    private readonly gate: CallGate,
  ) {
    super();
  }

  override handle(call: MethodCall): SerializedResult | Promise<JsonObject> {
    return call.request.method === 'tools/list' ? this.list(call) : this.call(call);
  }

  private list({ params, peer, exchange }: MethodCall): SerializedResult {
    const { revision, rules } = peer;
    return this.pages.page(
      {
        list: 'tools',
        version: this.registry.version,
        entries: () => this.registry.enabled(),
        view: (tool) => toolView(tool, rules),
      },
      { principal: exchange.principal, revision, cursor: params['cursor'] },
    );
  }

  private async call(call: MethodCall): Promise<JsonObject> {
    const { params, scope, peer } = call;
    const { rules } = peer;
    const name = stringParam(params, 'name');
    try {
      const tool = this.registry.get(name);
      const execute = async (): Promise<JsonObject> =>
        toolResultView(await this.executor.execute(name, params['arguments'], scope), rules);
      // Who may not call a tool is told so at once, and not by a task that it is there (D-13).
      const isTask = tool?.options.task && this.gate.isOpen(tool.target, call.exchange.principal);
      return await (isTask ? this.starter.run(tool, call, execute) : execute());
    } catch (error) {
      if (!rules.inputFaultsAsResults || !isGatehouseError(error) || error.kind !== 'invalid_params') throw error;
      const { kind, message, data } = error;
      return toFailedResult({ kind, message, requestId: scope.origin.requestId, data });
    }
  }
}
