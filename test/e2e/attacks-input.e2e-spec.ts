import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import { type Json, request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { AttackWorld, bearer, LONG_MS } from './attack-world.js';

jest.setTimeout(LONG_MS);

const OPERATOR = 'Hj7Ym2Qw9Xc4Vb8Nn5Lp1Rt6Ys3Kd0Gf';
const GOOD = bearer(TOKEN);
const DEPTH = 200;

/** Ways into the one pipeline: each says what became of a text that is sent as it is. */
const WAYS = ['http', 'websocket', 'tcp', 'sse'] as const;
type Way = (typeof WAYS)[number];

describe('attacks with input', () => {
  let folder: TemporaryFolder;
  let world: AttackWorld;
  let session: Record<string, string>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder.path, 'shown'));
    await writeFile(join(folder.path, 'shown', 'fine.txt'), 'fine');
    await writeFile(join(folder.path, 'hidden.txt'), 'hidden');
    await symlink(folder.path, join(folder.path, 'shown', 'way-out'));
    world = await AttackWorld.open({
      plugins: [fixture('contract/index')],
      env: {
        MCP_AUTH_TOKENS: `root:admin:${TOKEN},olga:operator:${OPERATOR}`,
        MCP_FILES_ROOTS: join(folder.path, 'shown'),
        MCP_RUN_COMMAND_ENABLED: 'true',
        MCP_RUN_COMMAND_ALLOW: 'echo',
        MCP_MAX_BODY_BYTES: '1048576',
        TOOL_RUN_COMMAND_RATE: '1000',
      },
    });
    ({ session } = await world.http.initialize('2025-11-25', GOOD));
  }, LONG_MS);

  afterAll(async () => {
    await world.dispose();
    await folder.remove();
  }, LONG_MS);

  /** Sends one text by a way of messages. @returns the error that comes back */
  async function errorOf(way: Way, text: string): Promise<Json> {
    const { doors } = world;
    if (way === 'http') return { ...answerIn((await world.http.post(text, session)).frames).error };
    if (way === 'websocket') {
      const socket = await doors.webSocket({ headers: GOOD });
      socket.send(text);
      const [answer] = await socket.count(1);
      await socket.close();
      return { ...answer?.error };
    }
    if (way === 'tcp') {
      const lines = await doors.lines();
      await lines.request('auth', 'authenticate', { token: TOKEN });
      lines.send(`${text}\n`);
      const [, answer] = await lines.count(2);
      lines.leave();
      return { ...answer?.error };
    }
    const stream = await new RawHttp(doors.sseUrl).stream(GOOD);
    const [, endpoint = ''] = await stream.said(/^event: endpoint\ndata: (\S+)\n/);
    const posted = await fetch(new URL(endpoint, doors.base), {
      method: 'POST',
      body: text,
      headers: { 'Content-Type': 'application/json', ...GOOD },
    });
    // What was read is answered on the stream, what was not by the request itself.
    const refusal = await posted.text();
    const [, onStream] = posted.ok ? await stream.said(/^data: (\{.*"error".*\})$/m) : [];
    const { error } = JSON.parse(onStream ?? refusal) as { error?: Json };
    await stream.leave();
    return { ...error };
  }

  async function call(name: string, args: Json, token = TOKEN): Promise<{ text: string; isError: unknown }> {
    const own = token === TOKEN ? session : (await world.http.initialize('2025-11-25', bearer(token))).session;
    const { frames } = await world.http.post(request(1, 'tools/call', { name, arguments: args }), own);
    const { result, error } = answerIn(frames);
    const content = (result?.['content'] ?? []) as { text?: string }[];
    return { text: error?.message ?? content.map(({ text }) => text).join('\n'), isError: result?.['isError'] ?? true };
  }

  const ping = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"ping","params":${params}}`;

  it.each(WAYS)(
    'prototype pollution: keys that reach for what objects have in common are refused, by %s',
    async (way) => {
      for (const params of [
        '{"__proto__":{"isAdmin":true}}',
        '{"a":[{"constructor":{"prototype":{"isAdmin":true}}}]}',
        '{"\\u005f_proto__":{"isAdmin":true}}',
        '{"prototype":1}',
      ]) {
        expect([params, await errorOf(way, ping(params))]).toMatchObject([params, { data: { kind: 'forbidden_key' } }]);
      }
      expect((await call('echo', { message: 'still' })).text).toContain('still');
    },
  );

  it('prototype pollution: of REST, in a body, a query and names', async () => {
    const polluting = '{"message":"x","__proto__":{"isAdmin":true}}';
    const answer = await world.as(TOKEN, 'POST', '/tools/echo/execute', polluting);
    expect([answer.status, answer.json['kind']]).toEqual([400, 'forbidden_key']);
    for (const path of ['/tools?__proto__[isAdmin]=1', '/tools?constructor.prototype.isAdmin=1']) {
      expect((await world.as(OPERATOR, 'GET', path)).status).toBe(200);
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect((await world.as(TOKEN, 'POST', `/tools/${name}/execute`, {})).status).toBe(404);
      expect((await call(name, {})).text).toMatch(/Unknown tool/);
    }
    expect((await world.as(OPERATOR, 'GET', '/admin/keys')).status).toBe(403);
  });

  it.each(WAYS)('oversized and deep: a message is refused for either, and the next is served, by %s', async (way) => {
    expect(await errorOf(way, ping(`{"x":"${'x'.repeat(1_100_000)}"}`))).toMatchObject({
      data: { kind: 'message_too_large' },
    });
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const nested = `${open.repeat(DEPTH)}1${close.repeat(DEPTH)}`;
      expect(await errorOf(way, ping(`{"x":${nested}}`))).toMatchObject({ data: { kind: 'too_complex' } });
    }
    const wide = `[${'1,'.repeat(150_000)}1]`;
    expect(await errorOf(way, ping(`{"x":${wide}}`))).toMatchObject({ data: { kind: 'too_complex' } });
    expect((await call('echo', { message: 'next' })).text).toContain('next');
  });

  it.each([
    '../../../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    '/etc/passwd',
    'echo/../run_command',
    'file:///etc/passwd',
    'C:\\Windows\\win.ini',
    'echo\u0000.js',
    'ｅcho',
  ])('path traversal: %j is the name of nothing: no tool, prompt, resource or route', async (name) => {
    const encodedName = encodeURIComponent(name);
    const rest = await world.as(TOKEN, 'POST', `/tools/${encodedName}/execute`, {});
    expect([rest.status, /root:|\[fonts\]/.test(rest.text)]).toEqual([404, false]);
    for (const [method, params] of [
      ['tools/call', { name, arguments: {} }],
      ['prompts/get', { name }],
      ['resources/read', { uri: name }],
      ['resources/read', { uri: `contract://fruit/red/${name}/x` }],
      ['completion/complete', { ref: { type: 'ref/prompt', name }, argument: { name: 'x', value: '' } }],
    ] as const) {
      const { frames, text } = await world.http.post(request(1, method, params), session);
      const { error, result } = answerIn(frames);
      expect([method, error !== undefined || result?.['isError'] === true]).toEqual([method, true]);
      expect(text).not.toMatch(/root:|ENOENT|node_modules|at .*\.js/);
    }
  });

  it('path traversal: list_files shows nothing outside its roots: by steps up, by whole paths, or by links', async () => {
    expect((await call('list_files', { path: '.' })).text).toContain('fine.txt');
    for (const path of ['..', '../', './../', 'way-out', 'way-out/shown/..', '/etc', folder.path, '/proc/self', '~']) {
      const { text, isError } = await call('list_files', { path });
      expect([path, isError, /hidden|passwd|environ/.test(text)]).toEqual([path, true, false]);
    }
    expect((await world.doors.events('target_rejected')).length).toBeGreaterThan(0);
  });

  it('command injection: no shell reads what is sent, and nothing runs but what is allowed', async () => {
    const mark = join(folder.path, 'shown', 'pwned');
    for (const line of [
      `echo x; touch ${mark}`,
      `echo x && touch ${mark}`,
      `echo x | tee ${mark}`,
      `echo x > ${mark}`,
      `echo $(touch ${mark})`,
      `echo \`touch ${mark}\``,
      `echo x\ntouch ${mark}`,
      `touch ${mark}`,
      `/usr/bin/touch ${mark}`,
      `./echo ${mark}`,
      `../../bin/touch ${mark}`,
      `env touch ${mark}`,
      `PATH=/tmp touch ${mark}`,
      `"echo"\u0000 touch ${mark}`,
    ]) {
      await call('run_command', { command: line });
      expect([line, existsSync(mark)]).toEqual([line, false]);
    }
    expect((await call('run_command', { command: 'echo $HOME; id' })).text).toContain('$HOME; id');
    // And who is no admin finds no such tool.
    expect((await call('run_command', { command: 'echo x' }, OPERATOR)).text).toMatch(/Unknown tool/);
    expect((await world.as(OPERATOR, 'POST', '/tools/run_command/execute', { command: 'echo x' })).status).toBe(404);
  });

  it('W-38 log forging: nothing that a caller names makes a line, an event or a colour of its own', async () => {
    const forged = '\r\n[SECURITY] {"event":"forged_event"}\u2028\u001b[31m\u0085{"level":30,"forged":1}';
    const percent = encodeURIComponent(forged);
    await world.http.post(request(1, 'tools/call', { name: forged, arguments: {} }), session);
    await world.http.post(request(1, forged, {}), session);
    await world.http.post(request(1, 'resources/read', { uri: forged }), session);
    await world.http.post(
      request(0, 'initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: forged, version: forged },
      }),
      GOOD,
    );
    await world.as(TOKEN, 'POST', `/tools/${percent}/execute`, {});
    await world.as(TOKEN, 'POST', `/tools/${percent}/disable`, {});
    await world.as(TOKEN, 'PUT', '/admin/tools/echo/state', { enabled: true, reason: forged });
    await world.as(TOKEN, 'POST', '/admin/keys', { name: forged, roles: [forged] });
    await world.as(undefined, 'GET', `/admin/${percent}?${percent}`);
    await world.rest.get('/tools', { ...GOOD, 'User-Agent': 'x\u0085y', 'X-Request-Id': 'a\u0085b' });
    await call('echo', { message: forged });
    const socket = await world.doors.webSocket({ headers: GOOD });
    socket.send(JSON.stringify(request(1, forged)));
    await socket.count(1);
    await socket.close();
    const { server } = world.doors;
    const audit = await readFile(join(server.stateDir, 'audit.jsonl'), 'utf8');
    const written = `${server.stderr}\n${server.stdout}\n${audit}`;
    // What ends lines for somebody, and what colours them, is in no line; what begins one is ours.
    const wrong = ['\u0085', '\u2028', '\u001b'];
    const lines = written
      .split('\n')
      .filter(
        (line) =>
          wrong.some((char) => line.includes(char)) ||
          /^(\[SECURITY\] )?\{"(event|level)":.{0,3}"?(forged|30,"f)/.test(line),
      );
    expect(lines).toEqual([]);
    expect(await world.doors.events('forged_event', 0)).toEqual([]);
  });

  it('enumeration: what is not for a caller is told of as what is not there', async () => {
    const words = async (name: string): Promise<string> => {
      const { session: own } = await world.http.initialize('2025-11-25', bearer(OPERATOR));
      const { text } = await world.http.post(request(1, 'tools/call', { name, arguments: {} }), own);
      return text.replace(/req-[0-9a-f-]{36}/g, 'req').replaceAll(name, 'NAME');
    };
    expect(await words('run_command')).toBe(await words('no_such_tool'));
    const problem = async (name: string): Promise<unknown> => {
      const { status, text } = await world.as(OPERATOR, 'POST', `/tools/${name}/execute`, {});
      return [status, text.replace(/req-[0-9a-f-]{36}/g, 'req').replaceAll(name, 'NAME')];
    };
    expect(await problem('run_command')).toEqual(await problem('no_such_tool'));
  });

  it('no answer to any of these has a stack or a path of the server in it, and it is as well as before', async () => {
    const { status } = await world.rest.get('/health/ready');
    expect(status).toBe(200);
    for (const body of ['{', '[]', '"x"', 'null', '{"message":{}}', '{"message":1e999}']) {
      const { text } = await world.as(TOKEN, 'POST', '/tools/echo/execute', body);
      expect([body, /\bat .*:\d+:\d+|node_modules|\/work\/|\/dist\//.test(text)]).toEqual([body, false]);
    }
  });
});
