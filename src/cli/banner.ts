import { VERSION } from '../common/index.js';
import type { AppConfig } from '../config/index.js';
import { httpFamilies, MCP_PATH, MESSAGE_PATH, SSE_PATH, WS_PATH } from '../transport/index.js';
import { urlOf } from './server-url.js';

/** What a start tells a person: where, who may, what, and how to connect an editor. */
export interface StartFacts {
  readonly config: AppConfig;
  /** Port that the HTTP door got; undefined where it is not open. */
  readonly port: number | undefined;
  /** Port that the TCP door got. */
  readonly tcpPort?: number | undefined;
  readonly isAuthRequired: boolean;
  readonly enabledTools: readonly string[];
}

/** @returns lines for stderr (S0-7, S1-4) */
export function banner(facts: StartFacts): readonly string[] {
  const { config, port, tcpPort, isAuthRequired, enabledTools } = facts;
  const { name, host, transports, anonymousRole } = config.server;
  const lines = [
    `Starting Gatehouse MCP server... (version ${VERSION})`,
    `Log level set to: ${config.logging.level.toUpperCase()}`,
    ...(transports.includes('stdio') ? ['Using STDIO transport'] : []),
  ];
  if (port === undefined && tcpPort === undefined) return [...lines, `Enabled tools: ${enabledTools.join(', ')}`];
  return [
    ...lines,
    ...usedTransports(facts),
    `Starting MCP server '${name}' on ${host}:${port ?? tcpPort}`,
    '',
    ...endpoints(facts),
    `  Authentication: ${isAuthRequired ? 'on' : `off, every caller has the role ${anonymousRole}`}`,
    `  Enabled tools:  ${enabledTools.join(', ')}`,
    '',
    ...(port !== undefined && httpFamilies(config).streamable
      ? editorHint(name, urlOf(schemes(config).http, host, port) + MCP_PATH, isAuthRequired)
      : []),
  ];
}

function usedTransports({ config, port, tcpPort }: StartFacts): readonly string[] {
  const { host } = config.server;
  const { streamable, websocket, sse } = httpFamilies(config);
  const names = streamable ? ['HTTP'] : [...(websocket ? ['WebSocket'] : []), ...(sse ? ['SSE'] : [])];
  return [
    ...(port === undefined ? [] : names.map((name) => `Using ${name} transport on ${host}:${port}`)),
    ...(tcpPort === undefined ? [] : [`Using TCP transport on ${host}:${tcpPort}`]),
  ];
}

/** What each door speaks, as the beginning of its URL. */
function schemes({ tls }: AppConfig): { readonly http: string; readonly ws: string; readonly tcp: string } {
  return tls.enabled ? { http: 'https', ws: 'wss', tcp: 'tls' } : { http: 'http', ws: 'ws', tcp: 'tcp' };
}

/** Where clients find what (S1-4). */
function endpoints({ config, port, tcpPort }: StartFacts): readonly string[] {
  const { host } = config.server;
  const scheme = schemes(config);
  const tcp = tcpPort === undefined ? [] : [`  TCP endpoint: ${urlOf(scheme.tcp, host, tcpPort)}`];
  if (port === undefined) return tcp;
  const { streamable, websocket, sse } = httpFamilies(config);
  const http = urlOf(scheme.http, host, port);
  return [
    ...(streamable ? [`  MCP endpoint:   ${http}${MCP_PATH}`] : []),
    ...(websocket ? [`  WebSocket endpoint: ${urlOf(scheme.ws, host, port)}${WS_PATH}`] : []),
    ...(sse ? [`  SSE endpoint: ${http}${SSE_PATH}`, `  Message POST endpoint: ${http}${MESSAGE_PATH}`] : []),
    ...tcp,
  ];
}

function editorHint(name: string, url: string, isAuthRequired: boolean): readonly string[] {
  const headers = isAuthRequired ? { headers: { Authorization: 'Bearer YOUR_TOKEN' } } : {};
  return [
    '  For an editor (.vscode/mcp.json; other editors call "servers" "mcpServers"):',
    '',
    ...JSON.stringify({ servers: { [name]: { type: 'http', url, ...headers } } }, null, 2)
      .split('\n')
      .map((line) => `    ${line}`),
    '',
  ];
}
