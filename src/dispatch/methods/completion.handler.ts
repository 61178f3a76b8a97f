import { Injectable } from '@nestjs/common';
import { type JsonObject, ProtocolError } from '../../common/index.js';
import { type CompletionReference, CompletionRegistry } from '../../prompts/index.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { objectParam, stringMapParam, stringParam } from '../params.js';

/** @see MCP 2025-11-25, server/utilities/completion */
@Injectable()
export class CompletionHandler extends MethodHandler {
  override readonly methods = { 'completion/complete': 'both' } as const;

  constructor(private readonly registry: CompletionRegistry) {
    super();
  }

  override handle({ params, scope }: MethodCall): Promise<JsonObject> {
    const ref = reference(objectParam(params, 'ref') ?? {});
    const argument = objectParam(params, 'argument') ?? {};
    return this.registry.complete(
      {
        ref,
        argument: { name: stringParam(argument, 'name'), value: stringParam(argument, 'value') },
        resolved: stringMapParam(objectParam(params, 'context') ?? {}, 'arguments'),
      },
      scope,
    );
  }
}

/** @throws ProtocolError invalid_params */
function reference(ref: JsonObject): CompletionReference {
  if (ref['type'] === 'ref/prompt') return { type: 'ref/prompt', name: stringParam(ref, 'name') };
  if (ref['type'] === 'ref/resource') return { type: 'ref/resource', uri: stringParam(ref, 'uri') };
  throw new ProtocolError('invalid_params', 'Invalid params: ref.type must be ref/prompt or ref/resource');
}
