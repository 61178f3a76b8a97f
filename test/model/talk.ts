import { envelope } from '../support/dispatch-world.js';
import type { Json } from '../support/messages.js';
import { Line } from './line.js';
import type { Caller, Model } from './model.js';
import { MODERN } from './model.js';
import type { ModelWorld } from './model-world.js';

const FIRST_WITH_HEADER = '2025-06-18';
const CAPABILITIES = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Whose session it names, where not the caller's own. */
  readonly sessionId?: string | undefined;
}

/** Sends one HTTP request of a client. */
export function send(model: Model, world: ModelWorld, caller: Caller, sent: Sent): Line {
  const { method = 'POST', headers = {}, body, sessionId = caller.sessionId } = sent;
  const own = {
    authorization: caller.principal,
    ...(method === 'GET' && { accept: 'text/event-stream' }),
    ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
    ...(sessionId !== undefined &&
      !caller.isModern &&
      caller.revision >= FIRST_WITH_HEADER && { 'mcp-protocol-version': caller.revision }),
  };
  const line = new Line(world.http, { method, headers: { ...own, ...headers }, ...(body && { body }) });
  caller.lines.push(line);
  // What names the session of another says nothing of its own.
  if (sessionId !== caller.sessionId) return line;
  model.sent.push({ caller, line });
  caller.usedIn = model.batch;
  if (caller.fate === 'dormant') model.admits += 1;
  return line;
}

/** Sends one JSON-RPC request, in the era of the caller. */
export function ask(
  model: Model,
  world: ModelWorld,
  caller: Caller,
  request: { readonly id: string; readonly method: string; readonly params: Json },
): Line {
  const { id, method, params } = request;
  if (!caller.isModern) return send(model, world, caller, { body: { jsonrpc: '2.0', id, method, params } });
  const { _meta: meta, ...rest } = params;
  const body = {
    jsonrpc: '2.0',
    id,
    method,
    params: { ...rest, _meta: { ...envelope(CAPABILITIES), ...(meta as Json | undefined) } },
  };
  const name = params['name'] ?? params['taskId'];
  const headers = {
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
  };
  return send(model, world, caller, { headers, body });
}

export function tell(model: Model, world: ModelWorld, caller: Caller, message: Json): Line {
  return send(model, world, caller, { body: { jsonrpc: '2.0', ...message } });
}
