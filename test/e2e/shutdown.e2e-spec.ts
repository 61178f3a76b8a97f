import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import { Doors } from '../support/live-doors.js';
import { notification, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { isRunning } from '../support/process-life.js';
import { answerIn, type HttpAnswer, RawHttp } from '../support/raw-http.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

// Each test starts the program, and some wait for a grace to be over.
jest.setTimeout(3 * PATIENCE_MS);

let server: BuiltServer;
let http: RawHttp;
let session: Readonly<Record<string, string>>;

async function start(options: ServerOptions = {}): Promise<void> {
  server = await BuiltServer.start({ plugins: [fixture('contract/index')], ...options });
  http = new RawHttp(server.url);
  ({ session } = await http.initialize());
}

const call = (id: number, name: string, args: object): Promise<HttpAnswer> =>
  http.post(request(id, 'tools/call', { name, arguments: args }), session);

/** The text of a result, or the kind of an error. */
function saidBy({ frames }: HttpAnswer): unknown {
  const { result, error } = answerIn(frames);
  return error ? error.data?.['kind'] : (result?.['content'] as { text: string }[])[0]?.text;
}

/** Starts a call, and waits until it runs. @returns what it comes to, to be waited for later */
async function running(id: number, name: string): Promise<{ readonly outcome: Promise<unknown> }> {
  const mark = `${name} ${id}`;
  const outcome = call(id, name, { mark })
    .then(saidBy)
    .catch(() => 'no answer');
  expect(saidBy(await call(id + 1_000, 'start_of', { mark }))).toBe('started');
  return { outcome };
}

/** Sends a signal, and waits until the end has begun. */
async function signalled(signal: NodeJS.Signals): Promise<void> {
  process.kill(server.pid, signal);
  await server.said(/Stopping: \d+ calls run, \d+ connections are open/);
}

describe('K-36 the end of a server over HTTP', () => {
  afterEach(() => server.dispose());

  it.each(['SIGTERM', 'SIGINT'] as const)('S4-35 at %s is in order, with 0', async (signal) => {
    await start();
    process.kill(server.pid, signal);
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.stderr).toContain('Server stopped by user');
    for (const step of [/Stopping: 0 calls run/, /Stopping: all doors are closed/]) expect(server.stderr).toMatch(step);
  });

  it('S4-34 lets what runs finish, begins nothing, and has it all written down', async () => {
    // Relative: in the start folder, which is there until the server is disposed of.
    await start({ env: { MCP_AUDIT_FILE: 'audit.jsonl' } });
    const { outcome } = await running(1, 'until_signal');
    await signalled('SIGTERM');
    const refused = await call(2, 'echo', { message: 'too late' });
    expect([refused.status, saidBy(refused), refused.headers.get('retry-after')]).toEqual([503, 'shutting_down', '1']);
    expect((await http.initialize()).status).toBe(503);
    expect((await http.post(request(3, 'ping'), session)).status).toBe(200);
    expect((await fetch(new URL('/health/live', server.url))).status).toBe(200);
    process.kill(server.pid, 'SIGUSR2');
    expect(await outcome).toBe('signalled');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    const lines = await readFile(join(server.stateDir, 'audit.jsonl'), 'utf8');
    expect(lines).toMatch(/"target":"tool:until_signal","outcome":"success"/);
  });

  it('lets a client cancel what it waits for, to the end', async () => {
    await start();
    const { outcome } = await running(1, 'wait_for_abort');
    await signalled('SIGTERM');
    const cancelled = notification('notifications/cancelled', { requestId: 1 });
    expect((await http.post(cancelled, session)).status).toBe(202);
    expect(await outcome).toBe('no answer');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.stderr).not.toContain('did not finish in time');
  });

  it('ends what does not finish in time, and tells its client that it may ask again', async () => {
    await start({ env: { MCP_SERVER_SHUTDOWN_GRACE_PERIOD: '2' } });
    const { outcome } = await running(1, 'wait_for_abort');
    await signalled('SIGTERM');
    expect(await outcome).toBe('shutting_down');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.stderr).toContain('Stopping: 1 calls did not finish in time, and are ended');
  });

  it('S2-32 writes down how many were connected, and sends streams away with a hint when to come back', async () => {
    await start();
    const streams = await Promise.all([http.stream(session), http.stream(session)]);
    expect(streams.map(({ status }) => status)).toEqual([200, 200]);
    const { outcome } = await running(1, 'until_signal');
    await signalled('SIGTERM');
    for (const stream of streams) {
      await stream.said(/^retry: 1000$/m);
      await stream.closed;
    }
    expect((await http.stream(session)).status).toBe(503);
    process.kill(server.pid, 'SIGUSR2');
    expect(await outcome).toBe('signalled');
    await server.exit;
    const [, count] = /"event":"server_shutdown","activeConnections":(\d+)/.exec(server.stderr) ?? [];
    // Two streams and the call, and what else the client kept open.
    expect(Number(count)).toBeGreaterThanOrEqual(3);
  });
});

describe('K-35 a second signal does not wait', () => {
  afterEach(() => server.dispose());

  it.each([
    ['SIGINT', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
  ] as const)('%s, then %s: %d', async (first, second, code) => {
    await start();
    const { outcome } = await running(1, 'wait_for_abort');
    await signalled(first);
    process.kill(server.pid, second);
    expect(await server.exit).toEqual({ code, signal: null });
    expect(await outcome).toBe('no answer');
    expect(server.stderr).toContain(`A second signal came (${second})`);
  });

  it('the same one too, once it can be no echo of the first', async () => {
    await start();
    await running(1, 'wait_for_abort');
    await signalled('SIGTERM');
    let isOver = false;
    void server.exit.then(() => (isOver = true));
    await until(() => {
      if (!isOver) process.kill(server.pid, 'SIGTERM');
      return isOver;
    }, 'the forced end');
    expect(await server.exit).toEqual({ code: 143, signal: null });
  });

  it('and neither does the end of the grace, whatever hangs', async () => {
    await start({ plugins: [fixture('stuck/index')], env: { MCP_SERVER_SHUTDOWN_GRACE_PERIOD: '0' } });
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exit).toEqual({ code: 143, signal: null });
    expect(server.stderr).toContain('The grace is over');
  });
});

describe('S4-34 child processes', () => {
  afterEach(() => server.dispose());

  /** A child that starts another, both deaf to SIGTERM. @returns the process ids of both, once they run */
  async function withChildren(): Promise<readonly number[]> {
    const env = {
      MCP_RUN_COMMAND_ENABLED: 'true',
      MCP_RUN_COMMAND_ALLOW: 'sh',
      MCP_ANONYMOUS_ROLE: 'admin',
      MCP_RUN_COMMAND_TIMEOUT_SEC: '300',
      MCP_SERVER_SHUTDOWN_GRACE_PERIOD: '10',
    };
    await start({ env, flags: ['--tools', 'run_command'] });
    const file = join(server.stateDir, 'pids');
    const deaf = `trap "" TERM; sh -c 'trap "" TERM; echo $$ >> ${file}; while :; do sleep 1; done' & echo $$ >> ${file}; wait`;
    void call(1, 'run_command', { command: `sh -c "${deaf.replaceAll('"', '\\"').replaceAll('$', '\\$')}"` }).catch(
      () => undefined,
    );
    return until(async () => {
      const text = await readFile(file, 'utf8').catch(() => '');
      const pids = text.split('\n').filter(Boolean).map(Number);
      return pids.length === 2 && pids;
    }, 'both children to run');
  }

  const gone = async (pids: readonly number[]): Promise<void> => {
    await until(async () => !(await Promise.all(pids.map(isRunning))).includes(true), `${pids.join()} to be gone`);
  };

  it('that heed no SIGTERM are gone by the end, which is in order all the same', async () => {
    const pids = await withChildren();
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]);
  });

  it('are not left behind by a forced end', async () => {
    const pids = await withChildren();
    await signalled('SIGTERM');
    process.kill(server.pid, 'SIGINT');
    expect(await server.exit).toEqual({ code: 130, signal: null });
    await gone(pids);
  });
});

describe('the end of a server with every door', () => {
  let doors: Doors;
  afterEach(() => doors.dispose());

  const open = async (env: Record<string, string> = {}): Promise<void> => {
    doors = await Doors.open({ plugins: [fixture('contract/index')], env });
  };

  it('S2-32 K-36 counts everybody once, and lets everybody have what they wait for, who may still talk', async () => {
    await open();
    const [socket, lines, idle] = [await doors.webSocket(), await doors.lines(), await doors.webSocket()];
    const stream = await new RawHttp(doors.sseUrl).stream({});
    await Promise.all([socket.initialize(), lines.initialize(), idle.initialize(), stream.said(/event: endpoint/)]);
    const run = (id: string, name: string) => request(id, 'tools/call', { name, arguments: { mark: id } });
    socket.send(run('s', 'until_signal'));
    lines.send(run('l', 'until_signal'), run('m', 'wait_for_abort'));
    for (const mark of ['s', 'l', 'm']) await idle.callTool(`start of ${mark}`, 'start_of', { mark });
    const exit = doors.server.stop('SIGTERM');
    expect(await idle.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
    await stream.said(/^retry: 1000$/m);
    expect((await lines.request('late', 'tools/list')).error?.data).toMatchObject({ kind: 'shutting_down' });
    expect((await socket.request('ping', 'ping')).result).toEqual({});
    lines.send(notification('notifications/cancelled', { requestId: 'm' }));
    process.kill(doors.server.pid, 'SIGUSR2');
    for (const answer of [await socket.answer('s'), await lines.answer('l')]) {
      expect(answer.result?.['content']).toEqual([{ type: 'text', text: 'signalled' }]);
    }
    expect(await socket.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
    await lines.end();
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(await doors.events('server_shutdown')).toMatchObject([{ activeConnections: 4 }]);
    expect(doors.server.stderr).toContain('Stopping: 3 calls run, 4 connections are open');
  });

  it('ends what does not finish in time, and says so on each before it says goodbye', async () => {
    await open({ MCP_SERVER_SHUTDOWN_GRACE_PERIOD: '2' });
    const [socket, lines] = [await doors.webSocket(), await doors.lines()];
    for (const client of [socket, lines]) {
      await client.initialize();
      client.send(request('x', 'tools/call', { name: 'wait_for_abort', arguments: { mark: 'x' } }));
    }
    await lines.callTool('start', 'start_of', { mark: 'x' });
    const exit = doors.server.stop('SIGTERM');
    for (const client of [socket, lines]) {
      expect((await client.answer('x')).error?.data).toMatchObject({ kind: 'shutting_down' });
    }
    expect(await socket.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
    await lines.end();
    expect(await exit).toEqual({ code: 0, signal: null });
  });
});

describe('the end of a server over stdio', () => {
  it('K-36 lets what runs finish, and begins nothing', async () => {
    const stdio = await StdioServer.start({ plugins: [fixture('contract/index')] });
    await stdio.initialize();
    stdio.send(request('a', 'tools/call', { name: 'until_signal', arguments: { mark: 'stdio' } }));
    await stdio.callTool('start_of', { mark: 'stdio' });
    stdio.program.kill('SIGTERM');
    await stdio.program.said(/Stopping: 1 calls run, 1 connections are open/);
    expect((await stdio.callTool('echo', { message: 'too late' })).error?.data).toMatchObject({
      kind: 'shutting_down',
    });
    stdio.program.kill('SIGUSR2');
    expect((await stdio.answer('a')).result?.['content']).toEqual([{ type: 'text', text: 'signalled' }]);
    expect(await stdio.program.exit).toEqual({ code: 0, signal: null });
    await stdio.dispose();
  });
});
