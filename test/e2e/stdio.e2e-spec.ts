import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ServerOptions } from '../support/built-server.js';
import { type Json, type Message, notification, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { isRunning } from '../support/process-life.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

// Each test starts the program.
jest.setTimeout(2 * PATIENCE_MS);

describe('stdio', () => {
  let server: StdioServer;

  afterEach(() => server.dispose());

  const start = async (options: ServerOptions = {}): Promise<StdioServer> =>
    (server = await StdioServer.start(options));

  const textOf = ({ result }: Message): unknown =>
    (result?.['content'] as readonly { readonly text: string }[] | undefined)?.[0]?.text;

  /** Every line is a JSON-RPC message, and the last one has an end. */
  const expectPureStdout = (): void => {
    expect(server.program.stdout).toMatch(/\n$/);
    for (const message of server.messages) expect(message).toMatchObject({ jsonrpc: '2.0' });
  };

  describe('S0-2 writes nothing but the protocol to stdout', () => {
    it('whatever a plug-in writes, at import, while it is made and in a call, with debug logs on', async () => {
      await start({ plugins: [fixture('noisy/index')], flags: ['--log-level', 'debug'] });
      await server.initialize();
      expect(textOf(await server.callTool('noisy'))).toBe('quiet');
      expect(textOf(await server.callTool('no_such_tool'))).toBeUndefined();
      await server.leave();
      expectPureStdout();
      expect(server.messages.map(({ id, method }) => id ?? method)).toEqual([
        'r1',
        'notifications/message',
        'r2',
        'r3',
      ]);
      for (const noise of [
        'noise at import',
        'more noise at import',
        'noise while it is made',
        'noise by console.log',
        'by console.table',
        'noise without an end of line',
        'noise of bytes',
        'noise with an encoding',
        'noise of a logger',
        'for debugging',
      ]) {
        expect(server.program.stderr).toContain(noise);
      }
    });

    it.each(['json', 'logfmt', 'text'])('in the log format %s', async (format) => {
      await start({ plugins: [fixture('contract/index')], flags: ['--log-level', 'debug', '--log-format', format] });
      await server.initialize();
      await server.callTool('throw_error');
      await server.leave();
      expectPureStdout();
      expect(server.program.stderr).toContain('hunter2');
    });

    it('S4-28 when plug-ins do not load', async () => {
      const broken = ['throws-at-import', 'wrong-export', 'needs-unknown', 'constructor-throws', 'init-fails'];
      const names = [...broken, 'sound'].map((name) => fixture(`broken/${name}`));
      await start({ plugins: [fixture('noisy/index'), ...names] });
      await server.initialize();
      expect(textOf(await server.callTool('sound_tool'))).toBe('sound');
      await server.leave();
      expectPureStdout();
      for (const name of broken) expect(server.program.stderr).toMatch(new RegExp(`${name}.js is skipped`));
    });

    it('when a plug-in leaves a rejection that nobody handles, and goes on', async () => {
      await start({ plugins: [fixture('noisy/index')] });
      await server.initialize();
      await server.callTool('reject_later');
      await server.program.said(/rejected where nobody handles/);
      expect(await server.request('ping')).toMatchObject({ result: {} });
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expectPureStdout();
    });

    it('K-35 when a plug-in throws where nobody catches, and ends with 1', async () => {
      await start({ plugins: [fixture('noisy/index')] });
      await server.initialize();
      server.send(request('last', 'tools/call', { name: 'throw_later', arguments: {} }));
      expect(await server.program.ending()).toEqual({ code: 1, signal: null });
      expect(server.program.stderr).toContain('thrown where nobody catches');
      expectPureStdout();
    });

    it('when it cannot start', async () => {
      await start({ flags: ['--tools', 'no_such_tool'] });
      expect(await server.program.ending()).toEqual({ code: 78, signal: null });
      expect(server.program.stdout).toBe('');
    });
  });

  describe('reads line by line', () => {
    it('S0-2 passes over blank lines, and takes both ends of line', async () => {
      await start();
      server.program.write('\n\r\n   \n');
      await server.initialize();
      server.program.write(
        `\n\n${JSON.stringify(request('a', 'ping'))}\r\n\t\n${JSON.stringify(request('b', 'ping'))}\n`,
      );
      expect(await server.answer('a')).toMatchObject({ result: {} });
      expect(await server.answer('b')).toMatchObject({ result: {} });
      await server.leave();
      expect(server.messages).toHaveLength(3);
    });

    it('takes a line in pieces, cut within a character', async () => {
      await start();
      await server.initialize();
      const line = Buffer.from(`${JSON.stringify(request('cut', 'tools/call', echo('語🎈é')))}\n`);
      for (const byte of line) server.program.write(Buffer.from([byte]));
      expect(textOf(await server.answer('cut'))).toBe('Echo: 語🎈é');
    });

    it('S0-11 refuses a line that is too long, and serves the next', async () => {
      await start({ env: { MCP_MAX_MESSAGE_BYTES: '1024' } });
      await server.initialize();
      const fits = JSON.stringify(request('fits', 'tools/call', echo('')));
      const padding = 1_024 - Buffer.byteLength(fits);
      const [refusal] = await server.exchange(request('long', 'tools/call', echo('x'.repeat(padding + 1))));
      expect(refusal).toEqual({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32600, message: 'Message too large', data: { kind: 'message_too_large' } },
      });
      server.send(request('fits', 'tools/call', echo('x'.repeat(padding))));
      expect(textOf(await server.answer('fits'))).toBe(`Echo: ${'x'.repeat(padding)}`);
      const [again] = await server.exchange('y'.repeat(5_000_000));
      expect(again).toMatchObject({ id: null, error: { code: -32600, message: 'Message too large' } });
      expect(await server.request('ping')).toMatchObject({ result: {} });
    });

    it('serves many requests at once, each answered under its id', async () => {
      await start({ plugins: [fixture('contract/index')] });
      await server.initialize();
      const ids = Array.from({ length: 30 }, (_, at) => at);
      server.program.write(
        ids.map((id) => `${JSON.stringify(request(id, 'tools/call', keep(`secret ${id}`)))}\n`).join(''),
      );
      const answers = await Promise.all(ids.map((id) => server.answer(id)));
      expect(answers.map(textOf)).toEqual(ids.map((id) => `kept secret ${id}`));
    });

    it('refuses a second initialize, and goes on in the session that there is', async () => {
      await start();
      await server.initialize('2025-06-18');
      const again = await server.initialize('2025-11-25');
      expect(again.error).toMatchObject({ code: -32600, data: { kind: 'already_initialized' } });
      expect(await server.request('ping')).toMatchObject({ result: {} });
    });

    it('answers a ping before the session is open, and the rest after it', async () => {
      await start();
      expect(await server.request('ping')).toMatchObject({ result: {} });
      expect((await server.request('tools/list')).error).toMatchObject({ data: { kind: 'not_initialized' } });
      expect((await server.initialize()).result).toBeDefined();
      expect((await server.request('tools/list')).result).toBeDefined();
    });
  });

  describe('ends with its input', () => {
    it('S0-2 with 0, and with every answer that was owed', async () => {
      await start();
      await server.initialize();
      for (let id = 0; id < 20; id++) server.send(request(id, 'tools/call', echo(String(id))));
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expect(server.messages.filter(({ id }) => typeof id === 'number').map(textOf)).toEqual(
        Array.from({ length: 20 }, (_, id) => `Echo: ${id}`),
      );
    });

    it('D-9 and leaves nothing behind on disk', async () => {
      await start();
      await server.initialize();
      await server.leave();
      expect(await readdir(server.cwd)).toEqual([]);
    });

    it('before anything was said', async () => {
      await start();
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expect(server.program.stdout).toBe('');
    });

    it('serves a last line without an end', async () => {
      await start();
      await server.initialize();
      server.program.write(JSON.stringify(request('last', 'tools/call', echo('last words'))));
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expect(textOf(await server.answer('last'))).toBe('Echo: last words');
    });

    it('serves what was all written before it was read', async () => {
      await start();
      for (const frame of [
        request('i', 'initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'pipe', version: '1' },
        }),
        notification('notifications/initialized'),
        request('l', 'tools/list'),
        request('e', 'tools/call', echo('piped')),
      ]) {
        server.send(frame);
      }
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expect(server.messages.map(({ id }) => id)).toEqual(['i', 'l', 'e']);
    });

    it('D-3 and cancels what runs, down to the child process', async () => {
      await start({ plugins: [fixture('noisy/index')] });
      await server.initialize();
      server.send(request('held', 'tools/call', { name: 'hold_child', arguments: {} }));
      const { params } = await server.message(({ method }) => method === 'notifications/message', 'the process id');
      const { pid } = params?.['data'] as { pid: number };
      expect(await isRunning(pid)).toBe(true);
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      await until(async () => !(await isRunning(pid)), 'the child to end');
      expectPureStdout();
      expect(server.messages.find(({ id }) => id === 'held')).toBeUndefined();
    });

    it('and leaves behind a tool that does not listen', async () => {
      await start({ plugins: [fixture('contract/index')] });
      await server.initialize();
      server.send(request('deaf', 'tools/call', { name: 'abort_of', arguments: { mark: 'of nothing' } }));
      await server.request('ping');
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expect(server.messages.find(({ id }) => id === 'deaf')).toBeUndefined();
    });

    it('and when its client reads no more, cancelling what runs', async () => {
      await start({ plugins: [fixture('noisy/index')] });
      await server.initialize();
      server.send(request('held', 'tools/call', { name: 'hold_child', arguments: {} }));
      const { params } = await server.message(({ method }) => method === 'notifications/message', 'the process id');
      const { pid } = params?.['data'] as { pid: number };
      server.program.closeOutput();
      server.send(request('unread', 'ping'));
      expect(await server.program.ending()).toEqual({ code: 0, signal: null });
      await until(async () => !(await isRunning(pid)), 'the child to end');
    });

    it('D-3 and ends what run_command started', async () => {
      const env = { MCP_STDIO_ROLE: 'admin', MCP_RUN_COMMAND_ENABLED: 'true', MCP_RUN_COMMAND_ALLOW: 'node' };
      await start({ env });
      await server.initialize();
      const script = `require("fs").writeFileSync("pid", String(process.pid)); setInterval(() => {}, 1000)`;
      server.send(request('run', 'tools/call', { name: 'run_command', arguments: { command: `node -e '${script}'` } }));
      const file = join(server.cwd, 'pid');
      const pid = Number(await until(() => readFile(file, 'utf8').catch(() => ''), 'the command to start'));
      expect(await isRunning(pid)).toBe(true);
      expect(await server.leave()).toEqual({ code: 0, signal: null });
      expect(await isRunning(pid)).toBe(false);
    });

    it.each(['SIGTERM', 'SIGINT'] as const)('and by %s with 0, ending the child process too', async (signal) => {
      await start({ plugins: [fixture('noisy/index')], env: { MCP_SERVER_SHUTDOWN_GRACE_PERIOD: '2' } });
      await server.initialize();
      server.send(request('held', 'tools/call', { name: 'hold_child', arguments: {} }));
      const { params } = await server.message(({ method }) => method === 'notifications/message', 'the process id');
      const { pid } = params?.['data'] as { pid: number };
      expect(await server.program.stop(signal)).toEqual({ code: 0, signal: null });
      await until(async () => !(await isRunning(pid)), 'the child to end');
      expectPureStdout();
    });
  });
});

function echo(message: string): Json {
  return { name: 'echo', arguments: { message } };
}

function keep(secret: string): Json {
  return { name: 'keep_secret', arguments: { secret, steps: 3 } };
}
