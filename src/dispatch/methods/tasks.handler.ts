import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { requireTasks } from '../peer.js';
import { Tasks } from '../tasks/tasks.js';

/** @see SEP-2663, "Task Polling", "Task Update Requests", "Task Cancellation" */
@Injectable()
export class TasksHandler extends MethodHandler {
  override readonly methods = { 'tasks/get': 'modern', 'tasks/update': 'modern', 'tasks/cancel': 'modern' } as const;

  constructor(private readonly tasks: Tasks) {
    super();
  }

  override async handle({ request, params, exchange, peer }: MethodCall): Promise<JsonObject> {
    requireTasks(peer);
    const { taskId, inputResponses } = params;
    if (request.method === 'tasks/get') return this.tasks.get(taskId, exchange.principal);
    if (request.method === 'tasks/cancel') await this.tasks.cancel(taskId, exchange.principal);
    else await this.tasks.update(taskId, exchange.principal, responsesOf(inputResponses));
    return {};
  }
}

/** @throws ProtocolError invalid_params */
function responsesOf(responses: unknown): JsonObject {
  if (isJsonObject(responses)) return responses;
  throw new ProtocolError('invalid_params', 'Invalid params: inputResponses must be an object');
}
