import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connect } from '../support/clients.js';
import { initializeParams, request } from '../support/messages.js';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { secureAsk } from '../support/secure-http.js';
import { StdioServer } from '../support/stdio-server.js';
import type { TestClient } from '../support/test-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

// Each test starts the program, some more than once.
jest.setTimeout(4 * PATIENCE_MS);

const preset = (name: string): string => join(ROOT, 'presets', `${name}.yaml`);

let folder: TemporaryFolder;
const programs: Program[] = [];
const clients: TestClient[] = [];
let states = 0;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(programs.splice(0).map((program) => program.stop()));
  await folder.remove();
});

/** Starts a preset on a free port, over HTTP. @returns its endpoint */
async function start(name: string, flags: readonly string[] = []): Promise<string> {
  const place = ['--transport', 'http', '--port', '0', '--state-dir', join(folder.path, `state-${states++}`)];
  const program = Program.start({ args: ['serve', '--config', preset(name), ...place, ...flags], cwd: folder.path });
  programs.push(program);
  const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
  return url;
}

async function client(url: string): Promise<TestClient> {
  const connected = await connect('sdk 1.x', { door: 'http', url });
  clients.push(connected);
  return connected;
}

/** What the settings of a preset come to. */
async function settingsOf(name: string): Promise<ReadonlyMap<string, string>> {
  const { stdout, code } = await Program.run({ args: ['config', '--config', preset(name)], cwd: folder.path });
  expect(code).toBe(0);
  return new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/) as [string, string]),
  );
}

describe('presets', () => {
  it('hold settings alone, and each loads without a warning', async () => {
    const names = (await readdir(join(ROOT, 'presets'))).map((file) => file.replace(/\.yaml$/, ''));
    expect(names.sort()).toEqual(['agents', 'envgw', 'luno', 'multi', 'security']);
    for (const name of names) {
      const { stderr, code } = await Program.run({ args: ['config', '--config', preset(name)], cwd: folder.path });
      expect([name, code, stderr]).toEqual([name, 0, '']);
    }
  });

  it.each([
    ['luno', '"luno-mcp-server"', '8765', '["stdio"]'],
    ['multi', '"multi-tool-mcp-server"', '8080', '["http"]'],
    ['agents', '"multi-agent-mcp-server"', '3002', '["http"]'],
    ['envgw', '"environment-mcp-gateway"', '3001', '["http"]'],
    ['security', '"security-mcp-server"', '8080', '["stdio"]'],
  ])('K-1, K-3 %s has its name, its port and its doors, on loopback', async (name, serverName, port, transports) => {
    const settings = await settingsOf(name);
    expect(settings.get('server.name')).toBe(serverName);
    expect(settings.get('server.port')).toBe(port);
    expect(settings.get('server.transports')).toBe(transports);
    expect(settings.get('server.host')).toBe('"127.0.0.1"');
  });

  it.each(['luno', 'multi', 'agents', 'envgw', 'security'])('%s serves its tools over HTTP', async (name) => {
    const connected = await client(await start(name));
    const names = (await connected.tools()).map(({ name: tool }) => tool);
    expect(names).toEqual(expect.arrayContaining(['echo', 'get_time', 'list_files', 'math_calc']));
    expect(names).not.toContain('run_command');
    const { content } = await connected.callTool('echo', { message: name });
    expect(content).toEqual([{ type: 'text', text: `Echo: ${name}` }]);
  });

  it.each(['luno', 'security'])('S4-1, W-31 %s prints nothing but protocol on stdio', async (name) => {
    const server = await StdioServer.start({ flags: ['--config', preset(name)] });
    expect((await server.initialize()).result?.['serverInfo']).toMatchObject({ name: expect.stringMatching(name) });
    await server.callTool('echo', { message: 'hello' });
    expect(server.messages).toHaveLength(2);
    await server.dispose();
  });
});

describe('appendix C, the first five minutes', () => {
  it('S0-12 luno answers 100 messages a minute, and refuses the next', async () => {
    const http = new RawHttp(await start('luno'));
    const { session } = await http.initialize();
    const kinds: unknown[] = [];
    for (let id = 1; id <= 101; id++) {
      const { error } = answerIn((await http.post(request(id, 'ping'), session)).frames);
      kinds.push(error?.code ?? 'answered');
    }
    const first = kinds.indexOf(-32000);
    // The initialize was one too.
    expect([99, 100]).toContain(first);
    expect(new Set(kinds.slice(0, first))).toEqual(new Set(['answered']));
  });

  it('S0-11 luno refuses a message that is too large, and goes on', async () => {
    const server = await StdioServer.start({ flags: ['--config', preset('luno')] });
    await server.initialize();
    server.send(request('large', 'tools/call', { name: 'echo', arguments: { message: 'x'.repeat(2_000_000) } }));
    const { error } = await server.message(({ error: fault }) => fault !== undefined, 'the refusal');
    expect(error).toMatchObject({ code: -32600, message: 'Message too large' });
    expect((await server.request('ping')).result).toEqual({});
    await server.dispose();
  });

  it('S0-14 luno with a certificate is encrypted, and does not start without it', async () => {
    await Program.run({ args: ['certs'], cwd: folder.path });
    const ca = await readFile(join(folder.path, 'certs', 'server.crt'), 'utf8');
    const url = await start('luno', ['--tls']);
    const body = request(0, 'initialize', initializeParams('2025-11-25'));
    expect((await secureAsk(url, { ca, body })).status).toBe(200);
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
    await rm(join(folder.path, 'certs', 'server.crt'));
    const args = ['serve', '--config', preset('luno'), '--transport', 'http', '--port', '0', '--tls'];
    const { code, stderr } = await Program.run({ args, cwd: folder.path });
    expect(code).toBe(78);
    expect(stderr).toContain('./certs/server.crt cannot be read (ENOENT)');
  });

  it('S1-16 multi runs three times side by side, each with its name and its tools', async () => {
    const servers = [
      ['calc', 'math_calc'],
      ['clock', 'get_time'],
      ['full', ''],
    ] as const;
    const connected = await Promise.all(
      servers.map(async ([name, tool]) =>
        client(await start('multi', ['--name', name, ...(tool && ['--tools', tool])])),
      ),
    );
    expect(connected.map(({ server }) => server.info?.name)).toEqual(['calc', 'clock', 'full']);
    const tools = await Promise.all(connected.map(async (each) => (await each.tools()).map(({ name }) => name)));
    expect(tools.slice(0, 2)).toEqual([['math_calc'], ['get_time']]);
    expect(tools[2]?.length).toBeGreaterThan(3);
    const { content } = (await connected[0]?.callTool('math_calc', { expression: '2 + 2 * 3' })) ?? {};
    expect(content).toEqual([{ type: 'text', text: '2 + 2 * 3 = 8' }]);
  });

  it('S2-24 agents refuse a payload that would reach a prototype; K-9 and have 20 messages more', async () => {
    const http = new RawHttp(await start('agents'));
    const { session } = await http.initialize();
    const poisoned = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"admin":true}}}';
    expect(answerIn((await http.post(poisoned, session)).frames).error?.data).toMatchObject({ kind: 'forbidden_key' });
    let answered = 0;
    for (let id = 2; id <= 130; id++) {
      const { error } = answerIn((await http.post(request(id, 'ping'), session)).frames);
      if (error) break;
      answered += 1;
    }
    // 120, but for the initialize and the one that was refused.
    expect([118, 119, 120]).toContain(answered);
  });

  it('S3-25 envgw serves ten clients at once, each with what is its own', async () => {
    const url = await start('envgw');
    const connected = await Promise.all(Array.from({ length: 10 }, () => client(url)));
    const said = await Promise.all(
      connected.map(async (each, at) => {
        const { content } = await each.callTool('echo', { message: `secret ${at}` });
        return (content as { text: string }[])[0]?.text;
      }),
    );
    expect(said).toEqual(connected.map((_each, at) => `Echo: secret ${at}`));
    expect(new Set(connected.map(({ sessionId }) => sessionId)).size).toBe(10);
  });
});

describe('S0-22 examples/vscode', () => {
  interface Entry {
    readonly type: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  }

  const servers = async (): Promise<Readonly<Record<string, Entry>>> => {
    const text = await readFile(join(ROOT, 'examples', 'vscode', '.vscode', 'mcp.json'), 'utf8');
    return (JSON.parse(text) as { servers: Record<string, Entry> }).servers;
  };

  it('has the three servers, whose variables say what their flags do', async () => {
    const entries = await servers();
    expect(Object.entries(entries).map(([name, { type }]) => [name, type])).toEqual([
      ['luno-mcp-server-stdio', 'stdio'],
      ['luno-mcp-server-websocket', 'process'],
      ['luno-mcp-server-websocket-secure', 'process'],
    ]);
    for (const { args, env } of Object.values(entries)) {
      const given = ['config', ...args.slice(2)];
      const run = (from: readonly string[], by: Readonly<Record<string, string>>) =>
        Program.run({ args: from, env: by, cwd: ROOT });
      const [byFlags, byVariables] = await Promise.all([run(given, {}), run(given.slice(0, 3), env)]);
      expect([byFlags.code, byFlags.stderr, byVariables.stderr]).toEqual([0, '', '']);
      const valuesOf = (text: string): string => text.replaceAll(/ +\S+( \S+)?$/gm, '');
      expect(valuesOf(byVariables.stdout)).toBe(valuesOf(byFlags.stdout));
    }
  });

  it('each of which starts', async () => {
    await Program.run({ args: ['certs'], cwd: folder.path });
    const [stdio, ...others] = Object.values(await servers());
    const server = await StdioServer.start({ flags: ['--config', preset('luno')], env: { ...stdio?.env } });
    expect((await server.initialize()).result).toBeDefined();
    await server.dispose();
    for (const { args, env } of others) {
      const flags = args.slice(2).map((word) => (word === 'presets/luno.yaml' ? preset('luno') : word));
      const program = Program.start({
        // The last port counts: these run on machines where others listen, too.
        args: ['serve', ...flags, '--port', '0', '--state-dir', join(folder.path, `vscode-${states++}`)],
        env,
        cwd: folder.path,
      });
      programs.push(program);
      await program.said(/MCP endpoint: +http/);
    }
  });
});
