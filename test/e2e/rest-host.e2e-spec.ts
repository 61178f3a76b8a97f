import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawHttp } from '../support/raw-http.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { exchange, wire } from './http-wire.js';

jest.setTimeout(4 * PATIENCE_MS);

let program: Program | undefined;
let folder: TemporaryFolder;

/** A Nest application of somebody else that imports the module. */
async function host(options: object): Promise<string> {
  folder = await temporaryFolder();
  program = Program.start({
    command: [process.execPath, fixture('host/main')],
    args: [JSON.stringify(options), folder.path],
    cwd: folder.path,
  });
  const [, url = ''] = await program.said(/Host at (\S+)/, 'stdout');
  return url;
}

afterEach(async () => {
  await program?.stop();
  program = undefined;
  await folder.remove();
});

describe('a host application', () => {
  it('gets no route of ours unless it asks', async () => {
    const rest = new RestClient(await host({}));
    expect((await rest.get('/')).text).toBe('the host itself');
    for (const path of ['/health', '/health/live', '/metrics', '/admin/tools', '/tools', '/config', '/docs']) {
      expect([path, (await rest.get(path)).status]).toEqual([path, 404]);
    }
  });

  it('gets those that it asks for, and keeps its own as they are', async () => {
    const url = await host({ health: true, metrics: true, admin: true });
    const rest = new RestClient(url);
    expect((await rest.get('/health')).json).toMatchObject({ status: 'healthy' });
    expect((await rest.get('/health/ready')).status).toBe(200);
    const { session } = await new RawHttp(new URL('/mcp', url).href).initialize();
    expect(session['Mcp-Session-Id']).toBeTruthy();
    expect((await rest.get('/metrics')).text).toMatch(/^mcp_sessions_active 1$/m);
    expect((await rest.get('/admin/tools')).json['tools']).toContainEqual(expect.objectContaining({ name: 'echo' }));
    expect((await rest.get('/admin/sessions')).json['kind']).toBe('permission_denied');
    expect((await rest.send('DELETE', '/admin/sessions/x', { body: {} })).json['kind']).toBe('permission_denied');

    expect((await rest.get('/')).text).toBe('the host itself');
    expect((await rest.get('/tools')).json).toEqual({
      statusCode: 404,
      message: 'Cannot GET /tools',
      error: 'Not Found',
    });
    expect((await rest.get('/broken')).json).toEqual({ statusCode: 500, message: 'Internal server error' });
    const foreign = (path: string): Promise<{ readonly status: number }> =>
      exchange(url, wire(new URL(path, url).href, { method: 'GET', headers: { Host: 'elsewhere.example' } }));
    expect((await foreign('/')).status).toBe(200);
    expect((await foreign('/admin/sessions')).status).toBe(403);
    expect((await foreign('/metrics')).status).toBe(403);
    expect((await foreign('/health')).status).toBe(200);
  });

  it('gets one without the others', async () => {
    const rest = new RestClient(await host({ metrics: true }));
    expect((await rest.get('/metrics?format=json')).json).toHaveProperty('tools');
    expect((await rest.get('/health')).status).toBe(404);
    expect((await rest.get('/admin/tools')).status).toBe(404);
  });
});

describe('a server on stdio', () => {
  it('loads nothing of HTTP, health, metrics and their descriptions', async () => {
    folder = await temporaryFolder();
    const coverage = join(folder.path, 'coverage');
    const env = { HOME: folder.path, NODE_V8_COVERAGE: coverage };
    expect((await Program.run({ args: ['serve'], cwd: folder.path, env })).code).toBe(0);
    const [report = ''] = await readdir(coverage);
    const { result } = JSON.parse(await readFile(join(coverage, report), 'utf8')) as { result: { url: string }[] };
    const loaded = result.map(({ url }) => url);
    expect(loaded.some((url) => url.includes('/node_modules/@nestjs/core/'))).toBe(true);
    const unwanted =
      /\/node_modules\/(express|body-parser|prom-client|swagger-ui-dist|@nestjs\/(platform-express|terminus|swagger)|@willsoto)\//;
    expect(loaded.filter((url) => unwanted.test(url))).toEqual([]);
    expect(loaded.filter((url) => /\/dist\/admin\/(?!index)/.test(url))).toEqual([]);
  });
});
