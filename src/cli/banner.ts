import { VERSION } from '../common/index.js';
import type { AppConfig } from '../config/index.js';
import { MCP_PATH } from '../transport/index.js';
import { urlHost } from './url-host.js';

/** What a start tells a person: where, who may, what, and how to connect an editor. */
export interface StartFacts {
  readonly config: AppConfig;
  /** Port that the HTTP door got; undefined where it is not open. */
  readonly port: number | undefined;
  readonly isAuthRequired: boolean;
  readonly enabledTools: readonly string[];
}

/** @returns lines for stderr (S0-7, S1-4) */
export function banner({ config, port, isAuthRequired, enabledTools }: StartFacts): readonly string[] {
  const { name, host, transports } = config.server;
  const lines = [
    `Starting Gatehouse MCP server... (version ${VERSION})`,
    `Log level set to: ${config.logging.level.toUpperCase()}`,
    ...(transports.includes('stdio') ? ['Using STDIO transport'] : []),
  ];
  if (port === undefined) return [...lines, `Enabled tools: ${enabledTools.join(', ')}`];
  const url = `http://${urlHost(host)}:${port}${MCP_PATH}`;
  const headers = isAuthRequired ? { headers: { Authorization: 'Bearer YOUR_TOKEN' } } : {};
  return [
    ...lines,
    `Using HTTP transport on ${host}:${port}`,
    `Starting MCP server '${name}' on ${host}:${port}`,
    '',
    `  MCP endpoint:   ${url}`,
    `  Authentication: ${isAuthRequired ? 'on' : `off, every caller has the role ${config.server.anonymousRole}`}`,
    `  Enabled tools:  ${enabledTools.join(', ')}`,
    '',
    '  For an editor (.vscode/mcp.json; other editors call "servers" "mcpServers"):',
    '',
    ...JSON.stringify({ servers: { [name]: { type: 'http', url, ...headers } } }, null, 2)
      .split('\n')
      .map((line) => `    ${line}`),
    '',
  ];
}
