import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Logger } from '@nestjs/common';
import { TransportService } from '../transport/index.js';
import { serve } from './serve.command.js';
import { StderrLogger } from './stderr-logger.js';

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
};

let folder: string;
let input: PassThrough;
let [out, err] = ['', ''];
let codes: unknown[];
let handlers: Map<string, (...args: unknown[]) => void>;
let logged: unknown[][];
const stdin = Object.getOwnPropertyDescriptor(process, 'stdin');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-serve-'));
  input = new PassThrough();
  [out, err] = ['', ''];
  [codes, logged] = [[], []];
  handlers = new Map();
  Object.defineProperty(process, 'stdin', { value: input, configurable: true });
  jest.spyOn(process.stdout, 'write').mockImplementation(((chunk: unknown, done?: () => void) => {
    out += String(chunk);
    done?.();
    return true;
  }) as never);
  jest.spyOn(process.stdout, 'on').mockReturnThis();
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => ((err += String(chunk)), true));
  jest.spyOn(process, 'exit').mockImplementation((code) => {
    codes.push(code);
    return undefined as never;
  });
  jest.spyOn(process, 'on').mockImplementation(((event: string, handler: () => void) => {
    handlers.set(event, handler);
    return process;
  }) as never);
  for (const level of ['log', 'warn', 'error', 'debug', 'fatal'] as const) {
    jest.spyOn(StderrLogger.prototype, level).mockImplementation((...args) => void logged.push([level, ...args]));
  }
  jest.spyOn(StderrLogger.prototype, 'flush').mockReturnValue(undefined);
});

afterEach(async () => {
  jest.restoreAllMocks();
  if (stdin) Object.defineProperty(process, 'stdin', stdin);
  Logger.overrideLogger(undefined as never);
  await rm(folder, { recursive: true });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 5_000 && !isSo(); i++) await new Promise((resolve) => setImmediate(resolve));
  if (!isSo()) throw new Error(`It never was so: ${out}${err}`);
}

const run = (...argv: string[]): Promise<void> => serve({ argv, cwd: folder });
const warned = (): unknown[] => logged.filter(([level]) => level === 'warn').map(([, message]) => message);

describe('serve over stdio', () => {
  it('S0-2 W-31 prints nothing but protocol, and ends with 0 when its client leaves', async () => {
    const serving = run();
    await until(() => err.includes('Enabled tools: '));
    input.write(`${JSON.stringify(INITIALIZE)}\n`);
    await until(() => out.includes('\n'));
    process.stdout.write('a stray line\n');
    input.end();
    await serving;
    expect(codes).toEqual([0]);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: unknown }).id),
    ).toEqual([0]);
    expect(err).toContain('Starting Gatehouse MCP server...');
    expect(err).toContain('Using STDIO transport');
    expect(err).toContain('a stray line');
  });

  it('S4-28 loads plug-ins, and warns of those that are left out', async () => {
    await mkdir(join(folder, 'tools'));
    await writeFile(join(folder, 'tools', 'good.mjs'), `export default { name: 'good', run: () => 'x' };`);
    await writeFile(join(folder, 'tools', 'bad.mjs'), 'throw new Error("no database");');
    const serving = run('--tools-path', 'tools');
    await until(() => err.includes('Enabled tools: '));
    expect(err).toMatch(/Enabled tools: .*good/);
    expect(warned()).toContainEqual(`Plug-in ${join(folder, 'tools', 'bad.mjs')} is skipped: no database`);
    input.end();
    await serving;
  });

  it('D-22 warns of settings', async () => {
    await writeFile(join(folder, '.env'), 'MCP_NO_SUCH_SETTING=1\n');
    const serving = run();
    await until(() => err.includes('Enabled tools: '));
    expect(warned()).toContainEqual(expect.stringContaining('MCP_NO_SUCH_SETTING'));
    input.end();
    await serving;
  });

  it.each(['SIGINT', 'SIGTERM'])('S0-8 K-35 ends in order with 0 at %s', async (signal) => {
    const serving = run();
    await until(() => err.includes('Enabled tools: '));
    handlers.get(signal)?.();
    await until(() => codes.length === 1);
    expect([codes, err.includes('Server stopped by user\n')]).toEqual([[0], true]);
    input.end();
    await serving;
  });

  it('ends with 1 after an exception that nobody caught, and survives a rejection', async () => {
    const serving = run();
    await until(() => err.includes('Enabled tools: '));
    handlers.get('unhandledRejection')?.(new Error('let slip'));
    handlers.get('unhandledRejection')?.('words');
    expect(codes).toEqual([]);
    expect(logged.filter(([level]) => level === 'error')).toEqual([
      ['error', 'A promise was rejected and nobody handled it', expect.stringContaining('let slip'), 'Process'],
      ['error', 'A promise was rejected and nobody handled it', 'words', 'Process'],
    ]);
    handlers.get('uncaughtException')?.(new Error('thrown'));
    await until(() => codes.length === 1);
    expect(codes).toEqual([1]);
    expect(logged.filter(([level]) => level === 'fatal')).toEqual([
      [
        'fatal',
        'An exception was thrown and nobody caught it: the server ends',
        expect.stringContaining('thrown'),
        'Process',
      ],
    ]);
    input.end();
    await serving;
  });

  it('ends with 1 where the end is not in order', async () => {
    jest.spyOn(TransportService.prototype, 'drain').mockRejectedValue(new Error('stuck'));
    const serving = run();
    await until(() => err.includes('Enabled tools: '));
    input.end();
    await serving;
    expect(codes).toEqual([1]);
    expect(logged).toContainEqual([
      'error',
      'The server did not end in order',
      expect.stringContaining('stuck'),
      'Process',
    ]);
  });

  it('K-35 refuses settings that are wrong before anything is taken', async () => {
    await expect(run('--port', 'x')).rejects.toMatchObject({ name: 'StartError', exitCode: 78 });
    expect(handlers.size).toBe(0);
  });
});
