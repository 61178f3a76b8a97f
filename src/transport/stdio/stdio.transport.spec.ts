import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PassThrough, Writable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { type Answer, DispatchWorld } from '../../../test/support/dispatch-world.js';
import { Catalogue } from '../../dispatch/catalogue.js';
import type { ConfigOverrides } from '../../config/index.js';
import { SessionService } from '../../session/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { claimStdout } from './claim-stdout.js';
import { StdioTransport } from './stdio.transport.js';

@Injectable()
class Tools {
  readonly signals: AbortSignal[] = [];
  readonly ends: ((value: string) => void)[] = [];

  @Tool()
  wait(_args: unknown, { signal }: ToolContext): Promise<string> {
    this.signals.push(signal);
    return new Promise((resolve) => this.ends.push(resolve));
  }

  @Tool()
  who(_args: unknown, { principal }: ToolContext): string {
    return `${principal.subject} ${principal.roles.join()}`;
  }
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
};
const request = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });

let world: DispatchWorld;
let input: PassThrough;
let output: PassThrough;
let text: string;

/** Serves what is written to `input`. */
async function serve(settings: ConfigOverrides = {}): Promise<{ readonly done: Promise<boolean> }> {
  world = await DispatchWorld.open({ settings, providers: [Tools], imports: [TransportModule] });
  return { done: world.get(StdioTransport).serve(input, output) };
}

const say = (...lines: (object | string)[]): void => {
  for (const line of lines) input.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
};
const answers = (): Answer[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Answer);

/** Codes of the answers: calls are served at the same time, so that no order is promised. */
const byId = (): Record<string, number | undefined> =>
  Object.fromEntries(answers().map(({ id, error }) => [String(id), error?.code]));

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !isSo(); i++) await new Promise((resolve) => setImmediate(resolve));
  if (!isSo()) throw new Error(`It never was so: ${text}`);
}

beforeEach(() => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  [input, output, text] = [new PassThrough(), new PassThrough(), ''];
  output.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

describe('StdioTransport', () => {
  it('S0-2 answers each line by a line, and ends when the input does', async () => {
    const { done } = await serve();
    say('', INITIALIZE, { jsonrpc: '2.0', method: 'notifications/initialized' }, '   ', request(1, 'ping'));
    input.write('{');
    input.write('\n');
    input.end(JSON.stringify(request('last', 'ping')));
    await done;
    expect(answers()[0]?.id).toBe(0);
    expect(byId()).toEqual({ 0: undefined, 1: undefined, null: -32700, last: undefined });
    expect(world.get(SessionService).count).toBe(0);
  });

  it('D-11 is the principal local, with the role of the settings', async () => {
    const { done } = await serve({ server: { stdioRole: 'admin' } });
    say(INITIALIZE, request(1, 'tools/call', { name: 'who', arguments: {} }));
    input.end();
    await done;
    expect(answers()[1]).toMatchObject({ result: { content: [{ text: 'local admin' }] } });
  });

  it('opens the session before it looks at the next line, whatever comes at once', async () => {
    const { done } = await serve();
    input.end(
      [INITIALIZE, request(1, 'tools/list'), request(2, 'tools/list')].map((line) => JSON.stringify(line)).join('\n'),
    );
    await done;
    expect(answers().map(({ id, result }) => [id, result !== undefined])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
  });

  it('W-14 serves lines while others are being served', async () => {
    const { done } = await serve();
    say(INITIALIZE, request(1, 'tools/call', { name: 'wait', arguments: {} }), request(2, 'ping'));
    await until(() => answers().length === 2);
    expect(answers().map(({ id }) => id)).toEqual([0, 2]);
    world.get(Tools).ends[0]?.('done');
    await until(() => answers().length === 3);
    input.end();
    await done;
  });

  it('S0-11 refuses a line that is too long, and goes on', async () => {
    const { done } = await serve({ limits: { maxMessageBytes: 1_024 } });
    say(INITIALIZE, request(1, 'ping', { a: 'x'.repeat(2_000) }), request(2, 'ping'));
    input.write(Buffer.from([0xff, 0x0a]));
    input.end();
    await done;
    const messages = answers().flatMap(({ error }) => (error ? [error.message] : []));
    expect(messages).toEqual(['Message too large', 'Parse error: the line is not UTF-8']);
    expect(Object.keys(byId()).sort()).toEqual(['0', '2', 'null']);
    expect(world.security.names).toEqual(expect.arrayContaining(['invalid_input']));
  });

  it('D-12 counts a line that it cannot read', async () => {
    const { done } = await serve({ rate: { maxMessages: 2 }, limits: { maxMessageBytes: 1_024 } });
    say(INITIALIZE, 'x'.repeat(2_000), 'x'.repeat(2_000), request(1, 'ping'));
    input.end();
    await done;
    expect(answers().at(-1)).toMatchObject({ id: 1, error: { data: { kind: 'rate_limited' } } });
  });

  it('takes a request for one, whatever more it holds', async () => {
    const { done } = await serve();
    say(INITIALIZE, { ...request(1, 'ping'), kind: 'parse_error', message: 'x', fault: undefined });
    input.end();
    await done;
    expect(answers()[1]).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  });

  it('D-3 cancels what runs when the client leaves, in either era', async () => {
    const { done } = await serve();
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    say(
      INITIALIZE,
      request(1, 'tools/call', { name: 'wait', arguments: {} }),
      request(2, 'tools/call', { name: 'wait', arguments: {}, _meta: meta }),
    );
    await until(() => world.get(Tools).signals.length === 2);
    input.end();
    await done;
    expect(world.get(Tools).signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(answers().map(({ id }) => id)).toEqual([0]);
  });

  it('D-3 cancels what runs when the client closes its end early', async () => {
    const { done } = await serve();
    say(INITIALIZE, request(1, 'tools/call', { name: 'wait', arguments: {} }));
    await until(() => world.get(Tools).signals.length === 1);
    output.destroy(new Error('EPIPE'));
    await done;
    expect(world.get(Tools).signals[0]?.aborted).toBe(true);
    expect(input.destroyed).toBe(true);
  });

  it('passes on a fault of the input', async () => {
    const { done } = await serve();
    input.destroy(new Error('EIO'));
    await expect(done).rejects.toThrow('EIO');
  });

  it('D-13 announces changes to a session of 2025, until it is over', async () => {
    const { done } = await serve();
    say(INITIALIZE);
    await until(() => answers().length === 1);
    world.get(Catalogue).disableTool('who');
    await until(() => answers().length === 2);
    expect(answers()[1]).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    input.end();
    await done;
    world.get(Catalogue).enableTool('who');
    await until(() => true);
    expect(answers()).toHaveLength(2);
  });

  it('S0-13 takes nothing more from a client that does not read', async () => {
    const [unread, taken] = [20_000_000, 300];
    const slow = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void resume.push(done) });
    const resume: (() => void)[] = [];
    world = await DispatchWorld.open({
      imports: [TransportModule],
      settings: { rate: { enabled: false }, limits: { maxMessageBytes: 104_857_600 } },
    });
    const done = world.get(StdioTransport).serve(input, slow);
    say(INITIALIZE, request(1, 'tools/call', { name: 'echo', arguments: { message: 'x'.repeat(unread) } }));
    await until(() => slow.writableLength > unread);
    for (let i = 0; i < taken; i++) say(request(i + 2, 'ping'));
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    const before = slow.writableLength;
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(slow.writableLength).toBe(before);
    slow.destroy();
    input.end();
    await done;
  });
});

describe('claimStdout', () => {
  it('W-31 leaves one way to stdout, and sends all else to stderr', async () => {
    world = await DispatchWorld.open();
    const { stdout, stderr } = process;
    const [out, err] = [[] as string[], [] as string[]];
    let isTaken = true;
    const written = jest.spyOn(stdout, 'write').mockImplementation(((chunk: Buffer, done: () => void) => {
      out.push(chunk.toString());
      if (isTaken) done();
      return isTaken;
    }) as never);
    const original = Reflect.get<NodeJS.WriteStream, 'write'>(stdout, 'write');
    jest.spyOn(stderr, 'write').mockImplementation((chunk) => (err.push(String(chunk)), true));
    const listeners = stdout.listeners('error');
    try {
      const claimed = claimStdout();
      claimed.write('protocol\n');
      stdout.write('stray\n');
      expect([out, err]).toEqual([['protocol\n'], ['stray\n']]);
      isTaken = false;
      claimed.write('one');
      claimed.write('two');
      // What the pipe does not take is held back.
      expect([out, claimed.writableLength > 0]).toEqual([['protocol\n', 'one'], true]);
      const gone = new Promise((resolve) => claimed.once('error', resolve));
      stdout.emit('error', new Error('EPIPE'));
      expect(await gone).toMatchObject({ message: 'EPIPE' });
    } finally {
      stdout.write = original;
      written.mockRestore();
      for (const listener of stdout.listeners('error')) {
        if (!listeners.includes(listener)) stdout.removeListener('error', listener as () => void);
      }
    }
  });
});
