import { afterAll, expect } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import type { Json } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { RawHttp } from '../support/raw-http.js';
import { type RestAnswer, RestClient } from '../support/rest-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

export const LONG_MS = 4 * PATIENCE_MS;
const PLUGINS = [fixture('operations/index')];
const ROOMY = {
  MCP_RATE_LIMIT_MAX: '100000',
  MCP_RATE_LIMIT_REST: '100000',
  MCP_HEALTH_CPU_THRESHOLD: '100',
  MCP_HEALTH_MEMORY_THRESHOLD: '100',
};

const open: BuiltServer[] = [];

/** A server with the plug-in of operators, and its clients; it ends with the tests of the file. */
export async function start(
  env: Record<string, string> = {},
  more: ServerOptions = {},
): Promise<{ server: BuiltServer; rest: RestClient; mcp: RawHttp }> {
  const server = await BuiltServer.start({ plugins: PLUGINS, ...more, env: { ...ROOMY, ...env } });
  open.push(server);
  return { server, rest: new RestClient(server.url), mcp: new RawHttp(server.url) };
}

/** Ends every server of the file with its tests. */
export function endServersAfterwards(): void {
  afterAll(async () => {
    await Promise.all(open.splice(0).map((server) => server.dispose()));
  }, LONG_MS);
}

/** What every problem says. */
export function expectProblem({ status, headers, json }: RestAnswer, wanted: number, kind: string): void {
  expect(status).toBe(wanted);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(json).toMatchObject({
    type: `urn:mcp-gatehouse:error:${kind}`,
    title: expect.any(String),
    status: wanted,
    detail: expect.stringMatching(/.{3}/),
    kind,
    requestId: expect.stringMatching(/^req-/),
  } satisfies Json);
  expect(headers.get('x-request-id')).toBe(json['requestId']);
}

/** Deletes, as no form of another site can. */
export function remove(rest: RestClient, path: string): Promise<RestAnswer> {
  return rest.send('DELETE', path, { headers: { 'X-Requested-With': 'test' } });
}
