import { appendFile, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { StartError } from '../../common/index.js';
import { JournalDurableStore } from './journal-durable-store.js';

describe('JournalDurableStore', () => {
  const clock = new FakeClock();
  let folder: string;
  let path: string;
  let opened: JournalDurableStore[];

  beforeEach(async () => {
    Logger.overrideLogger(false);
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-journal-'));
    path = join(folder, 'state.journal');
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((store) => store.close()));
    jest.restoreAllMocks();
    Logger.overrideLogger(undefined as never);
    await rm(folder, { recursive: true });
  });

  const openAt = async (file = path, assertMine?: () => void): Promise<JournalDurableStore> => {
    const store = await JournalDurableStore.open({ path: file, clock, ...(assertMine && { assertMine }) });
    opened.push(store);
    return store;
  };
  /** A store over a copy of what is on disk now: what a process would find that starts after a crash at this moment. */
  const openCopy = async (bytes?: Buffer): Promise<JournalDurableStore> => {
    const copy = join(folder, `copy-${opened.length}`);
    await writeFile(copy, bytes ?? (await readFile(path)));
    return openAt(copy);
  };

  it('keeps records, changes and removals over a restart', async () => {
    const store = await openAt();
    await store.put({ namespace: 'tool', key: 'echo', value: { enabled: false } });
    await store.put({ namespace: 'tool', key: 'echo', value: { enabled: true, by: 'Zoë "the" boss\n' } });
    await store.put({ namespace: 'tool', key: 'gone', value: 1 });
    await store.put({ namespace: 'other', key: 'echo', value: null });
    await store.delete('tool', 'gone');
    await store.delete('tool', 'never was');
    await store.close();

    const again = await openAt();
    expect(await again.list('tool')).toEqual([
      { namespace: 'tool', key: 'echo', value: { enabled: true, by: 'Zoë "the" boss\n' } },
    ]);
    expect(await again.get('other', 'echo')).toBeNull();
    expect(await again.has('tool', 'gone')).toBe(false);
    expect(await again.get('tool', 'gone')).toBeUndefined();
    expect(await again.list('nothing')).toEqual([]);
  });

  it('has a record on disk when it says so', async () => {
    const store = await openAt();
    await store.put({ namespace: 'tombstone', key: 'a', value: true });
    expect(await (await openCopy()).has('tombstone', 'a')).toBe(true);
    await store.delete('tombstone', 'a');
    expect(await (await openCopy()).has('tombstone', 'a')).toBe(false);
  });

  it('shows a change at once, and keeps it from being changed from outside', async () => {
    const store = await openAt();
    const value = { list: [1] };
    const written = store.put({ namespace: 'n', key: 'k', value });
    value.list.push(2);
    expect(await store.get('n', 'k')).toEqual({ list: [1] });
    await written;
    await expect(store.put({ namespace: 'n', key: 'k', value: undefined })).rejects.toThrow(TypeError);
  });

  it('hides what has expired, and drops it from the file at the next start', async () => {
    const store = await openAt();
    await store.put({ namespace: 'n', key: 'short', value: 1, expiresAt: clock.now() + 1_000 });
    await store.put({ namespace: 'n', key: 'long', value: 2, expiresAt: clock.now() + 5_000 });
    expect(await store.list('n')).toHaveLength(2);
    clock.advance(1_000);
    expect(await store.has('n', 'short')).toBe(false);
    expect(await store.list('n')).toEqual([{ namespace: 'n', key: 'long', value: 2, expiresAt: clock.now() + 4_000 }]);
    await store.close();
    await openAt();
    expect(await readFile(path, 'utf8')).not.toContain('short');
  });

  it('makes all writes of one turn durable with one fsync', async () => {
    const store = await openAt();
    const probe = await open(path);
    const datasync = jest.spyOn(Object.getPrototypeOf(probe) as typeof probe, 'datasync');
    await probe.close();
    await Promise.all(Array.from({ length: 500 }, (_, i) => store.put({ namespace: 'n', key: `k${i}`, value: i })));
    expect(datasync).toHaveBeenCalledTimes(1);
    const first = store.put({ namespace: 'n', key: 'first', value: 0 });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await Promise.all([first, ...[1, 2, 3].map((i) => store.put({ namespace: 'n', key: `next${i}`, value: i }))]);
    expect(datasync.mock.calls.length).toBeLessThanOrEqual(3);
    expect(await (await openCopy()).list('n')).toHaveLength(504);
  });

  it('survives a crash at any byte: every line that is whole counts, an unfinished one does not', async () => {
    const store = await openAt();
    await store.put({ namespace: 'n', key: 'a', value: 'é' });
    await store.put({ namespace: 'n', key: 'b', value: [1, 2] });
    await store.delete('n', 'a');
    await store.put({ namespace: 'n', key: 'c', value: {}, expiresAt: clock.now() + 10_000 });
    const whole = await readFile(path);
    const states = [[], [], ['a'], ['a', 'b'], ['b'], ['b', 'c']];
    for (let length = 0; length <= whole.length; length++) {
      const lines = whole.subarray(0, length).filter((byte) => byte === 0x0a).length;
      const survivor = await openCopy(whole.subarray(0, length));
      expect((await survivor.list('n')).map(({ key }) => key)).toEqual(states[lines]);
      await survivor.put({ namespace: 'n', key: 'after', value: 1 });
      expect(await survivor.has('n', 'after')).toBe(true);
      await survivor.close();
    }
  });

  it('warns of an unfinished write that it dropped, and writes on behind whole lines', async () => {
    const store = await openAt();
    await store.put({ namespace: 'n', key: 'a', value: 1 });
    await store.close();
    await appendFile(path, '{"crc":"0000');
    const warn = jest.spyOn(Logger.prototype, 'warn');
    const again = await openAt();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('unfinished write of 12 bytes'));
    await again.put({ namespace: 'n', key: 'b', value: 2 });
    expect(await (await openCopy()).list('n')).toHaveLength(2);
  });

  it('refuses the start when any other byte is damaged, and says which file and what to do', async () => {
    const store = await openAt();
    await store.put({ namespace: 'n', key: 'a', value: 1 });
    await store.put({ namespace: 'n', key: 'b', value: 2 });
    const whole = await readFile(path);
    const copy = join(folder, 'damaged');
    for (let at = 0; at < whole.length - 1; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x04;
      await writeFile(copy, bytes);
      const error = (await openAt(copy).catch((cause: unknown) => cause)) as StartError;
      expect(error).toBeInstanceOf(StartError);
      expect(error.message).toMatch(/damaged at line \d \(byte \d+\)/);
      expect(error.message).toContain(`mv '${copy}' '${copy}.damaged'`);
    }
  });

  it('refuses a journal of a later version, and a file that is no journal', async () => {
    const { line } = await import('./journal-line.js').then(({ formatLine }) => ({ line: formatLine() }));
    const { crc32 } = await import('node:zlib');
    const body = '{"format":"gatehouse-journal","version":2}';
    await writeFile(path, `{"crc":"${crc32(body).toString(16).padStart(8, '0')}","entry":${body}}\n`);
    await expect(openAt()).rejects.toThrow('has version 2; this server reads version 1');
    for (const text of ['\n', 'hello\n', `${line}${line}`, `${line}{}\n`, `${line}null\n`]) {
      await writeFile(path, text);
      await expect(openAt()).rejects.toThrow('is damaged at line');
    }
    for (const entry of ['[]', '{}', '{"namespace":"n"}', '{"namespace":"n","key":"k"}', 'nonsense']) {
      const crc = crc32(entry).toString(16).padStart(8, '0');
      await writeFile(path, `${line}{"crc":"${crc}","entry":${entry}}\n`);
      await expect(openAt()).rejects.toThrow('is damaged at line 2');
    }
  });

  it('does not grow without end: what is dead is dropped while it runs', async () => {
    const store = await openAt();
    const value = 'x'.repeat(10_000);
    await store.put({ namespace: 'n', key: 'kept', value: 1 });
    for (let round = 0; round < 50; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => store.put({ namespace: 'n', key: `k${i}`, value })));
    }
    expect((await stat(path)).size).toBeLessThan(1_400_000);
    const survivor = await openCopy();
    expect(await survivor.list('n')).toHaveLength(11);
    expect(await survivor.get('n', 'k9')).toBe(value);
  });

  it('loses nothing that is written while it drops what is dead', async () => {
    const store = await openAt();
    const value = 'x'.repeat(5_000);
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 600; i++) {
      writes.push(store.put({ namespace: 'n', key: `k${i}`, value: value + String(i) }));
      if (i % 3 === 0) writes.push(store.delete('n', `k${i / 3}`));
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(writes);
    const live = (await store.list('n')).map(({ key }) => key).sort();
    expect((await (await openCopy()).list('n')).map(({ key }) => key).sort()).toEqual(live);
  });

  it('goes on with the old file when it cannot be compacted', async () => {
    const store = await openAt();
    await mkdir(`${path}.new`);
    const warn = jest.spyOn(Logger.prototype, 'warn');
    await store.put({ namespace: 'n', key: 'big', value: 'x'.repeat(1_100_000) });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('could not be compacted'));
    await store.put({ namespace: 'n', key: 'next', value: 1 });
    expect(await (await openCopy()).list('n')).toHaveLength(2);
    await rm(`${path}.new`, { recursive: true });
  });

  it('says when it cannot write, and loses nothing once it can again', async () => {
    const store = await openAt();
    await rm(path);
    await mkdir(path);
    // Grows enough to be compacted: the line itself is durable in the old file, which can only not be replaced.
    await store.put({ namespace: 'n', key: 'big', value: 'x'.repeat(1_100_000) });
    await expect(store.put({ namespace: 'n', key: 'next', value: 1 })).rejects.toThrow(/EISDIR|EEXIST|ENOTEMPTY|EPERM/);
    await rm(path, { recursive: true });
    await store.put({ namespace: 'n', key: 'last', value: 1 });
    expect((await (await openCopy()).list('n')).map(({ key }) => key)).toEqual(['big', 'next', 'last']);
  });

  it('tells of a write that failed, and mends the file with the next one', async () => {
    let failure: Error | undefined;
    const store = await openAt(path, () => {
      if (failure) throw failure;
    });
    failure = new Error('taken over');
    await expect(store.put({ namespace: 'n', key: 'a', value: 1 })).rejects.toThrow('taken over');
    expect(await store.has('n', 'a')).toBe(true);
    expect(await (await openCopy()).has('n', 'a')).toBe(false);
    failure = undefined;
    await store.put({ namespace: 'n', key: 'b', value: 2 });
    expect(await (await openCopy()).list('n')).toHaveLength(2);
  });

  it('finishes pending writes when it is closed, and takes no more', async () => {
    const store = await openAt();
    const pending = store.put({ namespace: 'n', key: 'a', value: 1 });
    await store.close();
    await expect(pending).resolves.toBeUndefined();
    await expect(store.put({ namespace: 'n', key: 'b', value: 1 })).rejects.toThrow('closed');
    expect(await (await openCopy()).has('n', 'a')).toBe(true);
  });

  it('is readable by its owner alone', async () => {
    await openAt();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('fails to open what is no file', async () => {
    await mkdir(path);
    await expect(openAt()).rejects.toThrow('EISDIR');
  });
});
