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
