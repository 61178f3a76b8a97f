import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../test/support/waiting.js';
import { LogFile } from './log-file.js';
import { StderrLogger } from './stderr-logger.js';

let folder: string;
let path: string;
let complaints: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-log-'));
  path = join(folder, 'logs', 'gatehouse.log');
  complaints = [];
});

afterEach(() => rm(folder, { recursive: true }));

const open = (maxBytes = 20, backups = 2): LogFile =>
  new LogFile({ path, maxBytes, backups, maxWaitingBytes: 1_000_000 }, (message) => void complaints.push(message));
const read = (suffix = ''): Promise<string> => readFile(`${path}${suffix}`, 'utf8');
/** Leaves the disk its time between two lines, as a log does. */
const write = async (file: LogFile, ...lines: string[]): Promise<void> => {
  for (const line of lines) {
    file.write(`${line}\n`);
    await until(async () => (await everything()).includes(line), line);
  }
};
const everything = async (): Promise<string> => {
  const names = await readdir(join(folder, 'logs'));
  return (await Promise.all(names.map((name) => readFile(join(folder, 'logs', name), 'utf8')))).join('');
};

describe('LogFile', () => {
  it('appends to what is there, in a folder that it makes, for the owner and their group alone', async () => {
    await write(open(), 'one');
    await write(open(), 'two');
    expect(await read()).toBe('one\ntwo\n');
    expect((await stat(path)).mode & 0o777 & ~0o640).toBe(0);
  });

  it('is put aside when the next line would make it too long, and the oldest goes', async () => {
    await write(open(), ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((letter) => letter.repeat(9)));
    expect(await read()).toBe('ggggggggg\n');
    expect(await read('.1')).toBe('eeeeeeeee\nfffffffff\n');
    expect(await read('.2')).toBe('ccccccccc\nddddddddd\n');
    expect((await readdir(join(folder, 'logs'))).sort()).toEqual([
      'gatehouse.log',
      'gatehouse.log.1',
      'gatehouse.log.2',
    ]);
    expect(complaints).toEqual([]);
  });

  it('keeps lines in their order when they come faster than the disk takes them', async () => {
    const file = open(100, 9);
    const lines = Array.from({ length: 60 }, (_, n) => `line ${String(n).padStart(2, '0')}`);
    for (const line of lines) file.write(`${line}\n`);
    await until(async () => (await everything()).length === 60 * 8, 'all lines');
    const parts = await Promise.all(['.4', '.3', '.2', '.1', ''].map(read));
    expect(parts.join('')).toBe(lines.map((line) => `${line}\n`).join(''));
  });

  it('counts what an earlier process wrote, and bytes rather than characters', async () => {
    await write(open(), 'x'.repeat(15));
    await write(open(), 'ää');
    expect(await read()).toBe('ää\n');
    expect(await read('.1')).toBe(`${'x'.repeat(15)}\n`);
  });

  it('keeps nothing beside it where nothing is to be kept', async () => {
    await write(open(20, 0), 'a'.repeat(15), 'b'.repeat(15));
    expect(await readdir(join(folder, 'logs'))).toEqual(['gatehouse.log']);
    expect(await read()).toBe(`${'b'.repeat(15)}\n`);
  });

  it('takes one line that is longer than a file may be', async () => {
    await write(open(), 'y'.repeat(100), 'z');
    expect(await read('.1')).toBe(`${'y'.repeat(100)}\n`);
  });

  it('ends the start where it cannot be opened', async () => {
    await writeFile(join(folder, 'logs'), 'a file');
    expect(() => open()).toThrow(/log file .* cannot be opened \(\w+\): set MCP_LOGGING_FILE_PATH/);
  });

  it('the logger writes every line to it too, in the same form', async () => {
    const logger = new StderrLogger({ level: 'info', format: 'logfmt', filePath: path });
    logger.log('It is late', 'Clock');
    logger.debug('unseen', 'Clock');
    logger.flush();
    expect(await read()).toMatch(/^level=info time=\S+ context=Clock msg="It is late"\n$/);
  });
});
