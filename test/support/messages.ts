/** Any JSON object. */
export type Json = Record<string, unknown>;

/** A JSON-RPC message as it came, whatever it is. */
export interface Message {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Json };
}

/** A batch that came as one frame. */
export type Frame = Message | readonly Message[];

export function isBatch(frame: Frame): frame is readonly Message[] {
  return Array.isArray(frame);
}

/** Whether a frame answers something, and is no notification or request of the server. */
export function isAnswer(frame: Frame): boolean {
  return isBatch(frame) || frame.method === undefined;
}

export function request(id: unknown, method: string, params?: Json): Json {
  return { jsonrpc: '2.0', id, method, ...(params && { params }) };
}

export function notification(method: string, params?: Json): Json {
  return { jsonrpc: '2.0', method, ...(params && { params }) };
}

/** Params of an `initialize`. */
export function initializeParams(revision: string, capabilities: Json = {}): Json {
  return { protocolVersion: revision, capabilities, clientInfo: { name: 'raw', version: '1.0.0' } };
}

/** @returns the frames of a body of server-sent events, in order; events without data are passed over */
export function framesOfEvents(text: string): Frame[] {
  return text
    .split('\n')
    .filter((line) => /^data: ./.test(line))
    .map((line) => JSON.parse(line.slice('data: '.length)) as Frame);
}

/** The revision without sessions. */
const MODERN_REVISION = '2026-07-28';

/** What a modern request says of its sender, besides what it asks for. */
export interface Envelope {
  /** 2026-07-28 when left out. */
  readonly revision?: string;
  readonly capabilities?: Json;
  readonly logLevel?: string;
  readonly meta?: Json;
}

/** Params of a modern request. */
export function modernParams(
  params: Json = {},
  { revision = MODERN_REVISION, capabilities = {}, logLevel, meta = {} }: Envelope = {},
): Json {
  const prefix = 'io.modelcontextprotocol/';
  const _meta = {
    [`${prefix}protocolVersion`]: revision,
    [`${prefix}clientCapabilities`]: capabilities,
    [`${prefix}clientInfo`]: { name: 'raw', version: '1.0.0' },
    ...(logLevel !== undefined && { [`${prefix}logLevel`]: logLevel }),
    ...meta,
  };
  return { _meta, ...params };
}

/** Headers that repeat what a modern request says. @see MCP 2026-07-28, basic/transports/streamable-http, "Request Metadata" */
export function modernHeaders(frame: Json): Record<string, string> {
  const { name, uri, taskId, _meta } = (frame['params'] ?? {}) as Json;
  const revision = (_meta as Json | undefined)?.['io.modelcontextprotocol/protocolVersion'];
  const named = [name, uri, taskId].find((value) => typeof value === 'string');
  return {
    ...(typeof revision === 'string' && { 'MCP-Protocol-Version': revision }),
    'Mcp-Method': String(frame['method']),
    ...(typeof named === 'string' && { 'Mcp-Name': headerValue(named) }),
  };
}

/** A text as a header can carry it. @see MCP 2026-07-28, basic/transports/streamable-http, "Value Encoding" */
function headerValue(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)) return text;
  return `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
