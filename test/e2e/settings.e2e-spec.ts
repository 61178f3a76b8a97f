import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Json, request } from '../support/messages.js';
import { type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

jest.setTimeout(4 * PATIENCE_MS);

let folder: TemporaryFolder;
const programs: Program[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.stop()));
  await folder.remove();
});

const write = (name: string, content: string | object): Promise<void> =>
  writeFile(join(folder.path, name), typeof content === 'string' ? content : JSON.stringify(content));

interface Running {
  readonly program: Program;
  readonly http: RawHttp;
  readonly rest: RestClient;
}

/** Starts the server of a folder with a settings file in it. */
async function serve(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const args = ['serve', '--transport', 'http', '--port', '0', '--state-dir', join(folder.path, 'state'), ...flags];
  const program = Program.start({ args, cwd: folder.path, env: { MCP_ANONYMOUS_ROLE: 'admin', ...env } });
  programs.push(program);
  const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
  return { program, http: new RawHttp(url), rest: new RestClient(url) };
}

/** What a client is told: the name of the server, and its tools. */
async function seen({ http }: Running): Promise<{ name: unknown; tools: string[] }> {
  const { session, frames } = await http.initialize();
  const listed = await http.post(request(1, 'tools/list'), session);
  const tools = answerIn(listed.frames).result?.['tools'] as { name: string }[];
  const { name } = answerIn(frames).result?.['serverInfo'] as { name: unknown };
  return { name, tools: tools.map((tool) => tool.name).sort() };
}

/** The start of a server that must not be. */
const refused = (flags: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  Program.run({ args: ['serve', ...flags], cwd: folder.path, env });

describe('where settings come from', () => {
  it.each([
    ['gatehouse.yaml', 'server:\n  name: of the file\ntools:\n  include: [echo, get_time]\n'],
    ['gatehouse.json', { server: { name: 'of the file' }, tools: { include: ['echo', 'get_time'] } }],
  ])('S4-36 %s gives way to the environment: values and lists are replaced, the rest stays', async (file, content) => {
    await write(file, content);
    const byFile = await serve(['--config', file]);
    expect(await seen(byFile)).toEqual({ name: 'of the file', tools: ['echo', 'get_time'] });
    await Promise.all(programs.splice(0).map((program) => program.stop()));
    const byEnv = await serve([], { MCP_CONFIG_FILE: file, TOOL_INCLUDE: 'math_calc' });
    expect(await seen(byEnv)).toEqual({ name: 'of the file', tools: ['math_calc'] });
    await Promise.all(programs.splice(0).map((program) => program.stop()));
    const byFlag = await serve(['--config', file, '--name', 'of the flag'], { MCP_SERVER_NAME: 'of the environment' });
    expect((await seen(byFlag)).name).toBe('of the flag');
  });

  it('S4-36 objects are merged: one tool keeps what the file says and takes what the environment adds', async () => {
    await write('g.yaml', 'toolOverrides:\n  echo:\n    timeoutSec: 7\n  get_time:\n    concurrency: 3\n');
    const { rest } = await serve(['--config', 'g.yaml'], {
      TOOL_ECHO_CONCURRENCY: '5',
      TOOL_GET_TIME_CONCURRENCY: '4',
    });
    const tools = (await rest.get('/tools')).json['tools'] as Json[];
    const of = (name: string): Json | undefined => tools.find((tool) => tool['name'] === name);
    expect(of('echo')).toMatchObject({ timeout: 7, concurrency: 5 });
    expect(of('get_time')).toMatchObject({ concurrency: 4 });
  });
});

describe('settings out of their range', () => {
  it('S4-37 K-24 are clamped and told of where they tune, and the server runs with what they became', async () => {
    const { program, rest } = await serve([], { MCP_MAX_QUEUE: '999999', MCP_HEALTH_CHECK_INTERVAL: '1' });
    await program.said(/config_clamped param=limits\.maxQueue original=999999 new=10000 valid_range=\[1,10000\]/);
    await program.said(/config_clamped param=health\.\w+ original=1 new=5 valid_range=\[5,300\]/);
    const { config, warnings } = (await rest.get('/config')).json as { config: Json; warnings: string[] };
    expect(config).toMatchObject({ limits: { maxQueue: 10_000 }, health: { intervalSec: 5 } });
    expect(warnings.filter((warning) => warning.startsWith('config_clamped'))).toHaveLength(2);
  });

  it.each([
    ['port', { MCP_SERVER_PORT: '65536' }, 'MCP_SERVER_PORT'],
    ['host', { MCP_SERVER_HOST: 'no host' }, 'MCP_SERVER_HOST'],
    ['transport', { MCP_SERVER_TRANSPORT: 'pigeon' }, 'MCP_SERVER_TRANSPORT'],
  ])('S4-37 S4-1 W-34 end the start where they are a %s: with 78, and no default instead', async (_what, env, name) => {
    const { code, stdout, stderr } = await refused(
      ['--transport', 'http'].slice(name.endsWith('TRANSPORT') ? 2 : 0),
      env,
    );
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain(`${name} in the environment must be`);
    expect(stderr).not.toMatch(/endpoint|Using \w+ transport/);
  });

  it('W-34 are all told of at once, those of the file with the rest', async () => {
    await write('g.yaml', 'server:\n  port: eighty\nlimits:\n  maxQueue: many\n');
    const { code, stderr } = await refused(['--config', 'g.yaml'], { MCP_LOG_FORMAT: 'xml' });
    expect(code).toBe(78);
    for (const fault of ['server.port in g.yaml', 'limits.maxQueue in g.yaml', 'MCP_LOG_FORMAT in the environment']) {
      expect(stderr).toContain(fault);
    }
  });
});

describe('settings that nobody knows', () => {
  it('S4-39 are told of: of the environment with a warning, of the file before the start, with the nearest there is', async () => {
    const { program } = await serve([], { MCP_MAX_QEUE: '5' });
    await program.said(/config\.unknown name=MCP_MAX_QEUE/);
    await write('g.yaml', 'tools:\n  includes: [echo]\n');
    const { code, stderr } = await refused(['--config', 'g.yaml']);
    expect(code).toBe(78);
    expect(stderr).toContain('tools.includes in g.yaml is not a setting; the nearest is tools.include');
  });

  it('S4-39 gatehouse config holds settings against all rules without a start', async () => {
    await write('good.yaml', 'server:\n  name: good\n');
    await write('bad.yaml', 'server:\n  nmae: bad\n  port: 70000\n');
    const check = (file: string) => Program.run({ args: ['config', '--config', file], cwd: folder.path });
    expect(await check('good.yaml')).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await check('bad.yaml');
    expect(code).toBe(78);
    expect(stderr).toContain('server.nmae in bad.yaml');
    expect(stderr).toContain('server.port in bad.yaml');
  });
});

describe('a start without settings', () => {
  it('S4-1 K-1 serves stdio, and opens no port', async () => {
    const program = Program.start({ args: ['serve'], cwd: folder.path, env: { HOME: folder.path } });
    programs.push(program);
    program.write(`${JSON.stringify(request('s', 'ping'))}\n`);
    await program.said(/"id":"s"/, 'stdout');
    await program.said(/Using STDIO transport/);
    expect(program.stderr).not.toMatch(/http:|tcp:|ws:/);
  });
});
