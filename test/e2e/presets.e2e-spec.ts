import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connect } from '../support/clients.js';
import { Doors } from '../support/live-doors.js';
import { initializeParams, request } from '../support/messages.js';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RawWebSocket } from '../support/raw-websocket.js';
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
const opened: Doors[] = [];
let states = 0;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(programs.splice(0).map((program) => program.stop()));
  await Promise.all(opened.splice(0).map((doors) => doors.dispose()));
  await folder.remove();
});

/** Whom the preset that asks everybody for a credential is told to let in. */
const PATTERN = 'Wq7nB2xVd9Lk4Rz0Tm6Yc3Hp8Js1Fg5A';
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
/** Of several agents: one has ten connections at most. */
const TOKENS = Array.from({ length: 11 }, (_none, at) => PATTERN.replace('7', String.fromCharCode(97 + at)));
const BEARER = bearer(TOKENS[10] ?? '');
/** Ports that two presets name for all the machine are other ones here: files of tests run side by side. */
const PORTS = { MCP_MANAGEMENT_PORT: '0', MCP_METRICS_PROMETHEUS_PORT: '0' };
const AGENTS = { MCP_AUTH_TOKENS: TOKENS.map((token, at) => `agent-${at}:operator:${token}`).join(',') };
const envOf = (name: string): Record<string, string> => ({ ...PORTS, ...(name === 'agents' && AGENTS) });

/** Starts a preset on a free port, over HTTP. @returns its endpoint */
async function start(name: string, flags: readonly string[] = []): Promise<string> {
  const place = ['--transport', 'http', '--port', '0', '--state-dir', join(folder.path, `state-${states++}`)];
  const args = ['serve', '--config', preset(name), ...place, ...flags];
  const program = Program.start({ args, cwd: folder.path, env: envOf(name) });
  programs.push(program);
  const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
  return url;
}

/** Starts a preset with every door of the network, on free ports. */
async function open(name: string): Promise<Doors> {
  const doors = await Doors.open({ flags: ['--config', preset(name)], env: envOf(name) });
  opened.push(doors);
  return doors;
}

async function client(url: string, headers = {}): Promise<TestClient> {
  const connected = await connect('sdk 1.x', { door: 'http', url, headers });
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
    ['agents', '"multi-agent-mcp-server"', '3002', '["http","tcp"]'],
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
    const connected = await client(await start(name), name === 'agents' ? BEARER : {});
    const names = (await connected.tools()).map(({ name: tool }) => tool);
    expect(names).toEqual(expect.arrayContaining(['echo', 'get_time', 'list_files', 'math_calc']));
    expect(names).not.toContain('run_command');
    const { content } = await connected.callTool('echo', { message: name });
    expect(content).toEqual([{ type: 'text', text: `Echo: ${name}` }]);
  });

  it.each(['luno', 'security'])('S4-1, W-31 %s prints nothing but protocol on stdio', async (name) => {
    const server = await StdioServer.start({ flags: ['--config', preset(name)], env: PORTS });
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

  it('S0-10 K-13 luno has room for 50 WebSockets, and tells the next on its own', async () => {
    const doors = await open('luno');
    for (let count = 1; count <= 50; count++) await doors.webSocket();
    const refused = await doors.webSocket();
    expect(await refused.closed).toEqual({ code: 1008, reason: 'Maximum connections reached' });
  });

  it('S2-18 S2-5 agents are 100 by WebSocket and 50 by TCP, each with answers of its own', async () => {
    const doors = await open('agents');
    for (let count = 1; count <= 100; count++) await doors.webSocket({ headers: bearer(TOKENS[count % 10] ?? '') });
    expect((await RawWebSocket.refusal(doors.wsUrl, { headers: BEARER })).status).toBe(503);
    const lines = [];
    for (let count = 1; count <= 50; count++) lines.push(await doors.lines());
    expect(await (await doors.lines()).end()).toContain('Service unavailable - connection limit reached');
    const said = await Promise.all(
      lines.slice(0, 2).map(async (each, at) => {
        await each.request('auth', 'authenticate', { token: TOKENS[10] });
        await each.initialize();
        return (await each.callTool('same', 'echo', { message: `agent ${at}` })).result?.['content'];
      }),
    );
    expect(said).toEqual([0, 1].map((at) => [{ type: 'text', text: `Echo: agent ${at}` }]));
  });

  it('S1-14 K-7 multi tells clients of SSE who they are, beside those of WebSocket', async () => {
    const doors = await open('multi');
    const stream = await new RawHttp(doors.sseUrl).stream({});
    const [, endpoint = ''] = await stream.said(
      /^event: endpoint\ndata: (\S+)\n\ndata: \{"type":"connected","client_id":"[0-9a-f]{32}"\}\n\n/,
    );
    const socket = await doors.webSocket();
    await socket.initialize();
    const sent = await fetch(new URL(endpoint, doors.base), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request('s', 'initialize', initializeParams('2024-11-05'))),
    });
    expect([sent.status, await sent.text()]).toEqual([202, 'Message queued for SSE delivery']);
    await stream.said(/"id":"s","result"/);
    expect((await socket.callTool('w', 'math_calc', { expression: '6 * 7' })).result).toBeDefined();
  });

  it('K-6 envgw opens a stream of the older form at /mcp', async () => {
    const doors = await open('envgw');
    const stream = await new RawHttp(doors.server.url).stream({});
    await stream.said(/^event: endpoint\ndata: \/mcp\?sessionId=[0-9a-f]{32}\n\n/);
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
    const root = url.replace('https:', 'wss:').replace('/mcp', '/');
    expect((await (await RawWebSocket.open(root, { ca })).initialize()).result).toBeDefined();
    await expect(RawWebSocket.open(root.replace('wss:', 'ws:'))).rejects.toThrow();
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

  it('S2-7 agents let in nobody without a credential, and do not start while there is none', async () => {
    const http = new RawHttp(await start('agents'));
    expect((await http.initialize()).status).toBe(401);
    expect((await http.initialize('2025-11-25', { Authorization: 'Bearer nonsense' })).status).toBe(401);
    const [program] = programs;
    await program?.said(/\[SECURITY\] .*"event":"invalid_auth".*missing_credential/);
    const { code, stderr } = await Program.run({
      args: ['serve', '--config', preset('agents'), '--port', '0', '--state-dir', join(folder.path, 'new')],
      cwd: folder.path,
    });
    expect([code, stderr]).toEqual([78, expect.stringContaining('gatehouse keys create')]);
  });

  it('S2-24 agents refuse a payload that would reach a prototype; K-9 and have 20 messages more', async () => {
    const http = new RawHttp(await start('agents'));
    const { session } = await http.initialize('2025-11-25', BEARER);
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
      await program.said(/WebSocket endpoint: wss?:/);
    }
  });
});
