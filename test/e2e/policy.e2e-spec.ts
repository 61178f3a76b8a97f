import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import { Doors } from '../support/live-doors.js';
import { type Json, type Message, request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, type HttpAnswer, RawHttp } from '../support/raw-http.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

jest.setTimeout(4 * PATIENCE_MS);

const TEAM = `
roles:
  dba:
    description: Looks, and calculates a little
    allow:
      - tool:echo
      - tool:get_time
      - target: tool:math_calc
        args: { expression: { pattern: "* + *" } }
    deny: [tool:get_time]
  keeper: { inherits: operator }
`;

let folder: TemporaryFolder;
let roles: string;
let server: BuiltServer | undefined;
let stdio: StdioServer | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
  roles = join(folder.path, 'team.yaml');
  await writeFile(roles, TEAM);
});

afterEach(async () => {
  await server?.dispose();
  await stdio?.dispose();
  server = stdio = undefined;
  await folder.remove();
});

type Headers = Readonly<Record<string, string>>;

/** A session of a server, and what goes through it. */
class Caller {
  private constructor(
    readonly http: RawHttp,
    readonly session: Headers,
  ) {}

  static async of({ url }: BuiltServer): Promise<Caller> {
    const http = new RawHttp(url);
    return new Caller(http, (await http.initialize()).session);
  }

  post(method: string, params: Json): Promise<HttpAnswer> {
    return this.http.post(request(randomUUID(), method, params), this.session);
  }

  async ask(method: string, params: Json = {}): Promise<Message> {
    return answerIn((await this.post(method, params)).frames);
  }

  call(name: string, args: Json = {}): Promise<Message> {
    return this.ask('tools/call', { name, arguments: args });
  }

  async names(): Promise<string[]> {
    return toolNames(await this.ask('tools/list'));
  }
}

function toolNames({ result }: Message): string[] {
  return (result?.['tools'] as { name: string }[]).map(({ name }) => name);
}

async function start({ env = {}, ...more }: ServerOptions = {}): Promise<BuiltServer> {
  const limits = { MCP_RATE_LIMIT_MAX: '100000', MCP_LOG_LEVEL: 'debug' };
  server = await BuiltServer.start({ env: { MCP_ROLES_FILE: roles, ...limits, ...env }, ...more });
  return server;
}

const operator = { plugins: [fixture('operator/index')] };

describe('a roles file', () => {
  const seen = ['echo', 'math_calc'];

  it('S1-43 D-13 one decision for list and call, over HTTP', async () => {
    const caller = await Caller.of(await start({ env: { MCP_ANONYMOUS_ROLE: 'dba' } }));
    expect(await caller.names()).toEqual(seen);
    expect(await caller.call('echo', { message: 'hi' })).toMatchObject({ result: { content: [{ text: 'Echo: hi' }] } });
    for (const name of ['get_time', 'list_files', 'run_command', 'nothing']) {
      expect((await caller.call(name)).error).toMatchObject({
        code: -32602,
        message: `Unknown tool: ${name}`,
        data: { kind: 'unknown_tool', requestId: expect.any(String) as unknown },
      });
    }
    expect(await caller.call('math_calc', { expression: '1 + 2' })).toHaveProperty('result.content');
    expect((await caller.call('math_calc', { expression: '1 * 2' })).error).toMatchObject({
      message: 'Rule dba.allow[2] does not allow these arguments: expression must be like "* + *".',
      data: { kind: 'permission_denied', rule: 'dba.allow[2]' },
    });
    expect(await caller.ask('resources/list')).toMatchObject({ result: { resources: [] } });
    expect(await caller.ask('prompts/list')).toMatchObject({ result: { prompts: [] } });
  });

  it('S1-43 and the same on stdio, for the role of stdio', async () => {
    stdio = await StdioServer.start({ env: { MCP_ROLES_FILE: roles, MCP_STDIO_ROLE: 'dba' } });
    await stdio.initialize();
    expect(toolNames(await stdio.request('tools/list'))).toEqual(seen);
    expect((await stdio.callTool('get_time')).error).toMatchObject({ data: { kind: 'unknown_tool' } });
    expect((await stdio.callTool('math_calc', { expression: '1 * 2' })).error).toMatchObject({
      data: { kind: 'permission_denied' },
    });
  });

  it('what authors say with @Roles, @Scopes and @Public is part of it', async () => {
    const dba = await Caller.of(await start({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'dba' } }));
    expect(await dba.names()).toEqual([...seen, 'tool_state', 'incident', 'wait']);
    await server?.dispose();
    const keeper = await Caller.of(await start({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'keeper' } }));
    expect(await keeper.names()).toEqual(expect.arrayContaining(['kept', 'scoped']));
    expect(await keeper.call('kept')).toMatchObject({ result: { content: [{ text: 'kept' }] } });
    // A caller without a token is not limited by scopes.
    expect(await keeper.call('scoped')).toMatchObject({ result: { content: [{ text: 'scoped' }] } });
  });

  it('K-24 with faults ends the start, all of them told, with exit code 78', async () => {
    await writeFile(roles, 'roles:\n  a: { allow: [echo] }\n  b: { inherits: nobody }\n');
    const env = { MCP_ROLES_FILE: roles, MCP_STDIO_ROLE: 'ghost' };
    const { code, stderr, stdout } = await Program.run({ args: ['serve'], env, cwd: folder.path });
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain('team.yaml:2 roles.a.allow[0] must be "*", or tool:');
    expect(stderr).toContain(
      'team.yaml:3 roles.b.inherits names no role: nobody; there are: viewer, operator, admin, a, b',
    );
  });

  it('a role that nobody knows ends the start', async () => {
    const env = { MCP_STDIO_ROLE: 'ghost' };
    const { code, stderr } = await Program.run({ args: ['serve'], env, cwd: folder.path });
    expect(code).toBe(78);
    expect(stderr).toContain('server.stdioRole is "ghost", which is no role; there are: viewer, operator, admin');
  });
});

describe('S4-38 a reload', () => {
  const asDba = { MCP_ANONYMOUS_ROLE: 'dba' };

  it('by SIGHUP takes over other roles, and tells those whose lists change', async () => {
    const running = await start({ env: asDba });
    const caller = await Caller.of(running);
    const stream = await caller.http.stream(caller.session);
    expect(await caller.names()).toEqual(['echo', 'math_calc']);
    await writeFile(roles, 'roles: { dba: { allow: "tool:get_time" } }');
    process.kill(running.pid, 'SIGHUP');
    await stream.said(/notifications\/tools\/list_changed/);
    expect(await caller.names()).toEqual(['get_time']);
    expect((await caller.call('echo', { message: 'x' })).error).toMatchObject({ data: { kind: 'unknown_tool' } });
    await running.said(/config_reloaded.*policy\.rolesFile/);
    await stream.leave();
  });

  it('with faults keeps what was good, and tells all of them; the next good one counts', async () => {
    const running = await start({ env: asDba });
    const caller = await Caller.of(running);
    await writeFile(roles, 'roles:\n  dba: { allow: [x] }\n  other: { deny: [y] }\n');
    process.kill(running.pid, 'SIGHUP');
    await running.said(/config_rejected/);
    await running.said(/team\.yaml:2 roles\.dba\.allow\[0\][^]*team\.yaml:3 roles\.other\.deny\[0\]/);
    expect(await caller.names()).toEqual(['echo', 'math_calc']);
    // A role that the settings give to callers cannot go away.
    await writeFile(roles, 'roles: {}');
    process.kill(running.pid, 'SIGHUP');
    await running.said(/server\.anonymousRole is \\"dba\\", which is no role/);
    expect(await caller.names()).toEqual(['echo', 'math_calc']);
    await writeFile(roles, 'roles: { dba: { allow: "*" } }');
    process.kill(running.pid, 'SIGHUP');
    await running.said(/config_reloaded/);
    expect(await caller.names()).toContain('get_time');
  });

  it('takes over rates and limits of tools, and names what needs a restart', async () => {
    const file = join(folder.path, 'settings.yaml');
    await writeFile(file, 'toolOverrides: { echo: { runsPerMinute: 1 } }\n');
    const running = await start({ flags: ['--config', file] });
    const caller = await Caller.of(running);
    await caller.call('echo', { message: 'a' });
    expect((await caller.call('echo', { message: 'b' })).error).toMatchObject({ data: { kind: 'rate_limited' } });
    await writeFile(file, 'toolOverrides: { echo: { runsPerMinute: 100 } }\nlogging: { format: text }\n');
    process.kill(running.pid, 'SIGHUP');
    await running.said(/These hold after a restart: logging\.format/);
    expect(running.stderr).toMatch(/config_reloaded.*toolOverrides\.ECHO\.runsPerMinute/);
    expect(await caller.call('echo', { message: 'c' })).toHaveProperty('result.content');
    await writeFile(file, 'toolOverrides: { echo: { runsPerMinute: lots } }\n');
    process.kill(running.pid, 'SIGHUP');
    await running.said(/toolOverrides\.ECHO\.runsPerMinute|runsPerMinute in .*must be a whole number/);
    expect(await caller.call('echo', { message: 'd' })).toHaveProperty('result.content');
  });

  it('by a changed file, where that is watched', async () => {
    const running = await start({ env: { ...asDba, MCP_CONFIG_WATCH: 'true' } });
    const caller = await Caller.of(running);
    // As tools write that replace a file at once.
    await writeFile(`${roles}.new`, 'roles: { dba: { allow: "tool:get_time" } }');
    await rename(`${roles}.new`, roles);
    await until(async () => (await caller.names()).join() === 'get_time', 'the new list');
    await writeFile(roles, 'roles: {');
    await running.said(/config_rejected/);
    expect(await caller.names()).toEqual(['get_time']);
  });
});

describe('tool states', () => {
  it('S1-9 S1-47 S4-7 are told at once and kept over a restart, a hard one too', async () => {
    const running = await start({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'operator' } });
    const caller = await Caller.of(running);
    const stream = await caller.http.stream(caller.session);
    await caller.call('tool_state', { name: 'echo', on: false, reason: 'too loud' });
    await stream.said(/notifications\/tools\/list_changed/);
    expect(await caller.names()).not.toContain('echo');
    const disabled = { result: { isError: true, content: [{ text: "Tool 'echo' is not enabled on this server" }] } };
    expect(await caller.call('echo', { message: 'x' })).toMatchObject(disabled);
    await running.said(/tool_disabled.*echo.*too loud/);
    await stream.leave();

    await running.restart('SIGKILL');
    expect(await caller.call('echo', { message: 'x' })).toMatchObject(disabled);
    await caller.call('tool_state', { name: 'echo', on: true });
    expect(await caller.names()).toContain('echo');
    await running.restart();
    expect(await caller.call('echo', { message: 'x' })).toHaveProperty('result.content');
  });

  it('W-2 no word of an operator stands for the setting that run_command needs', async () => {
    const caller = await Caller.of(await start({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'admin' } }));
    expect((await caller.call('tool_state', { name: 'run_command', on: true })).error).toMatchObject({
      data: { kind: 'permission_denied' },
    });
    expect(await caller.names()).not.toContain('run_command');
    expect((await caller.call('tool_state', { name: 'nothing', on: true })).error).toMatchObject({
      data: { kind: 'unknown_tool' },
    });
  });
});

describe('incidents', () => {
  it('read-only: only what changes nothing runs, over a restart too, until it is put back', async () => {
    const running = await start({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'admin' } });
    const caller = await Caller.of(running);
    const stream = await caller.http.stream(caller.session);
    expect(await caller.names()).toContain('kept');
    await caller.call('incident', { scope: { kind: 'read_only' } });
    await stream.said(/notifications\/tools\/list_changed/);
    await stream.leave();
    for (let round = 0; round < 2; round++) {
      expect(await caller.names()).toEqual(expect.not.arrayContaining(['kept', 'wait']));
      expect(await caller.names()).toContain('echo');
      expect((await caller.call('kept')).error).toMatchObject({
        data: { kind: 'read_only', until: expect.any(String) as unknown },
      });
      expect(await caller.call('echo', { message: 'x' })).toHaveProperty('result.content');
      if (round === 0) await running.restart('SIGKILL');
    }
    await caller.call('incident', { end: 'read_only' });
    expect(await caller.call('kept')).toMatchObject({ result: { content: [{ text: 'kept' }] } });
  });

  it('quarantine of a tool ends its running calls, and of a principal everything of theirs', async () => {
    const running = await start({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'admin' } });
    const caller = await Caller.of(running);
    const waiting = caller.call('wait');
    await until(async () => (await caller.ask('ping')).result !== undefined, 'a sign of life');
    await caller.call('incident', { scope: { kind: 'tool', tool: 'wait' } });
    expect((await waiting).error).toMatchObject({ data: { kind: 'quarantined' } });
    expect((await caller.call('wait')).error).toMatchObject({ data: { kind: 'quarantined' } });
    expect(await caller.names()).not.toContain('wait');

    const stream = await caller.http.stream(caller.session);
    void caller.post('tools/call', {
      name: 'incident',
      arguments: { scope: { kind: 'principal', issuer: 'gatehouse', subject: 'anonymous' } },
    });
    await stream.closed;
    const refused = await caller.http.initialize();
    expect([refused.status, answerIn(refused.frames).error]).toMatchObject([403, { data: { kind: 'quarantined' } }]);
    expect((await caller.post('tools/list', {})).status).toBe(404);
    await running.said(/incident_started.*principal:gatehouse\/anonymous/);
  });

  it('quarantine of a principal ends their connections at every door, and nobody else is harmed', async () => {
    const doors = await Doors.open({ ...operator, env: { MCP_ANONYMOUS_ROLE: 'admin' } });
    try {
      const [socket, lines] = [await doors.webSocket(), await doors.lines()];
      const stream = await new RawHttp(doors.sseUrl).stream({});
      await Promise.all([socket.initialize(), lines.initialize(), stream.said(/event: endpoint/)]);
      const scope = { kind: 'principal', issuer: 'gatehouse', subject: 'anonymous' };
      lines.send(request('q', 'tools/call', { name: 'incident', arguments: { scope } }));
      expect(await socket.closed).toEqual({ code: 4401, reason: 'Credential revoked' });
      await Promise.all([lines.end(), stream.closed]);
      const again = await doors.webSocket();
      expect((await again.initialize()).error?.data).toMatchObject({ kind: 'quarantined' });
    } finally {
      await doors.dispose();
    }
  });

  it('quarantine of who is on stdio ends that, and leaves the other doors open', async () => {
    stdio = await StdioServer.start({
      ...operator,
      flags: ['--transport', 'stdio,http', '--port', '0', '--state-dir', folder.path],
    });
    const [, url = ''] = await stdio.program.said(/MCP endpoint: +(\S+)/);
    await stdio.initialize();
    const scope = { kind: 'principal', issuer: 'gatehouse', subject: 'local' };
    stdio.send(request('q', 'tools/call', { name: 'incident', arguments: { scope } }));
    await stdio.program.said(/incident_started.*principal:gatehouse\/local/);
    const http = new RawHttp(url);
    expect((await http.initialize()).status).toBe(200);
    stdio.send(request('ping', 'ping'));
    expect((await http.initialize()).status).toBe(200);
    expect(stdio.lines.join()).not.toContain('"ping"');
    expect(await stdio.program.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe('gatehouse explain', () => {
  const explain = (...args: string[]): ReturnType<typeof Program.run> =>
    Program.run({ args: ['explain', ...args], env: { MCP_ROLES_FILE: roles }, cwd: folder.path });

  it('says which rule decides, and where it is written', async () => {
    const allowed = await explain('dba', 'echo');
    expect([allowed.code, allowed.stdout]).toEqual([
      0,
      expect.stringContaining('dba.allow[0] (team.yaml:6) allows it'),
    ]);
    const denied = await explain('dba', 'get_time');
    expect([denied.code, denied.stdout]).toEqual([
      1,
      expect.stringContaining('Rule dba.deny[0] (team.yaml:10) denies it'),
    ]);
    const args = await explain('dba', 'math_calc', '--args', '{"expression":"2 * 2"}', '--json');
    expect([args.code, JSON.parse(args.stdout)]).toMatchObject([
      1,
      { isListed: true, isAllowed: false, kind: 'permission_denied' },
    ]);
  });

  it('K-35 tells a wrong command line from a no', async () => {
    expect(await explain('ghost', 'echo')).toMatchObject({ code: 64, stdout: '' });
    expect(await explain('dba')).toMatchObject({ code: 64 });
    expect(await explain('dba', 'echo', '--args', '{')).toMatchObject({ code: 64 });
    expect(await explain('--help')).toMatchObject({ code: 0 });
  });

  it('asks a running server, with the token in a header and arguments in a body', async () => {
    const asked: string[] = [];
    const answer = {
      principal: 'i/ada',
      target: 'tool:echo',
      isListed: true,
      isAllowed: false,
      kind: 'read_only',
      steps: [],
    };
    const admin = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => (body += chunk.toString()));
      req.on('end', () => {
        asked.push(`${req.method} ${req.url} ${req.headers.authorization} ${body}`);
        const isRight = req.headers.authorization === 'Bearer s3cret';
        res.writeHead(isRight ? 200 : 401, { 'Content-Type': 'application/json' });
        res.end(JSON.stringify(isRight ? answer : { detail: 'Show a token' }));
      });
    });
    await new Promise<void>((resolve) => admin.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
    try {
      const token = join(folder.path, 'token');
      await writeFile(token, 's3cret\n');
      const flags = ['--url', url, '--token-file', token];
      const { code, stdout } = await explain('i/ada', 'echo', ...flags);
      expect([code, stdout]).toEqual([1, 'i/ada -> tool:echo: refused: read_only\n']);
      await explain('i/ada', 'echo', ...flags, '--args', '{"message":"x"}');
      const refused = await explain('i/ada', 'echo', '--url', url);
      expect([refused.code, refused.stderr]).toEqual([
        78,
        expect.stringContaining('The server answered 401: Show a token'),
      ]);
      expect(asked).toEqual([
        'GET /admin/explain?principal=i%2Fada&target=echo Bearer s3cret ',
        'POST /admin/explain Bearer s3cret {"principal":"i/ada","target":"echo","args":{"message":"x"}}',
        'GET /admin/explain?principal=i%2Fada&target=echo undefined ',
      ]);
    } finally {
      admin.close();
    }
    expect((await explain('i/ada', 'echo', '--url', url)).code).toBe(78);
  });
});
