/** Path of the Streamable HTTP endpoint. */
export const MCP_PATH = '/mcp';
/** Path of the streams of legacy HTTP+SSE. */
export const SSE_PATH = '/sse';
/** Path to which clients of legacy HTTP+SSE post. */
export const MESSAGE_PATH = '/message';
/** Path of the WebSocket endpoint. */
export const WS_PATH = '/ws';

/** @returns the path of a request's URL, as it stands there */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
