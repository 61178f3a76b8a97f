import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { AuditFile, type AuditFileOptions } from './audit-file.js';
import { filesOf } from './audit-files.js';
import { verifyAudit } from './audit-verifier.js';
import { argumentsDigest } from './arguments-digest.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-audit-'));
  path = join(folder, 'audit.jsonl');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const fileOf = (more: Partial<AuditFileOptions> = {}): AuditFile =>
  new AuditFile({
    path,
    maxBytes: 1_000_000,
    backupCount: 5,
    run: 'aa',
    salt: 'salt',
    keepArguments: 'digest',
    isSynced: false,
    ...more,
  });

const recordsOf = (file = path): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const typesOf = (file = path): unknown[] => recordsOf(file).map(({ type }) => type);
const call = (n: number): string => `"time":${n},"type":"call","target":"tool:t${n}"\n`;

describe('AuditFile', () => {
  it('begins with a start, and chains what follows; the file is for its owner only', async () => {
    const file = fileOf();
    expect(file.append('').seq).toBe(1);
    expect(file.append(call(1) + call(2))).toEqual({ seq: 3, hash: expect.any(String) });
    expect(recordsOf()).toMatchObject([
      { seq: 1, type: 'start', version: 1, run: 'aa', pid: process.pid, salt: 'salt', previous: null },
      { seq: 2, type: 'call', target: 'tool:t1' },
      { seq: 3, type: 'call', target: 'tool:t2' },
    ]);
    expect(await verifyAudit(path)).toMatchObject({ files: 1, records: 3, fault: undefined });
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('goes on with the chain at the next start', async () => {
    const first = fileOf();
    const { hash } = first.append(call(1));
    first.close();
    fileOf({ run: 'bb' }).append(call(2));
    expect(recordsOf().map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'start'],
      [2, 'call'],
      [3, 'start'],
      [4, 'call'],
    ]);
    expect(recordsOf()[2]).toMatchObject({ run: 'bb', previous: hash });
    expect(await verifyAudit(path)).toMatchObject({ records: 4, fault: undefined });
  });

  it('rotates by size, keeps so many files, and chains through them', async () => {
    const file = fileOf({ maxBytes: 1_024, backupCount: 3 });
    for (let i = 0; i < 40; i++) file.append(call(i));
    const files = filesOf(path);
    expect(files).toEqual([`${path}.3`, `${path}.2`, `${path}.1`, path]);
    for (const name of files) {
      expect(typesOf(name)[0]).toBe('start');
      expect(statSync(name).size).toBeLessThan(2_048);
    }
    const { records, first, last, fault } = await verifyAudit(path);
    expect([fault, records]).toEqual([undefined, (last?.seq ?? 0) - (first?.seq ?? 0) + 1]);
    expect(first?.seq).toBeGreaterThan(1);
  });

  it('finds a rotated file that was taken away from the middle', async () => {
    const file = fileOf({ maxBytes: 1_024, backupCount: 3 });
    for (let i = 0; i < 40; i++) file.append(call(i));
    rmSync(`${path}.2`);
    expect((await verifyAudit(path)).fault).toMatch(/audit\.jsonl\.1, line 1 has number \d+, and \d+ is due/);
  });

  it('keeps no rotated file where it is told so, and the chain goes on', async () => {
    const file = fileOf({ maxBytes: 1_024, backupCount: 0 });
    for (let i = 0; i < 20; i++) file.append(call(i));
    expect(filesOf(path)).toEqual([path]);
    const { fault, first } = await verifyAudit(path);
    expect([fault, (first?.seq ?? 0) > 1]).toEqual([undefined, true]);
  });

  it('seals a line that a crash left torn, wherever it was cut, and says what it was', async () => {
    const whole = fileOf();
    whole.append(call(1) + call(2));
    whole.close();
    const text = readFileSync(path);
    const begin = text.lastIndexOf('\n', text.length - 2) + 1;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: begin + 1, max: text.length - 1 }), async (at) => {
        writeFileSync(path, text.subarray(0, at));
        expect((await verifyAudit(path)).fault).toMatch(/line 3 is cut off/);
        const file = fileOf();
        file.append(call(3));
        file.close();
        expect(typesOf()).toEqual(['start', 'call', 'start', 'recovered', 'call']);
        expect(recordsOf()[3]).toMatchObject({
          tornBytes: at - begin,
          fragment: text.subarray(begin, at).toString('utf8'),
        });
        expect(await verifyAudit(path)).toMatchObject({ records: 5, fault: undefined });
      }),
      { numRuns: 30 },
    );
  });

  it('seals a first line that was torn, and one after a rotation', async () => {
    writeFileSync(path, '{"seq":1,"ti');
    const file = fileOf();
    const { hash } = file.append('');
    file.close();
    expect(typesOf()).toEqual(['start', 'recovered']);
    renameSync(path, `${path}.1`);
    writeFileSync(path, '{"seq"');
    fileOf().append(call(1));
    expect(recordsOf().map(({ seq, type }) => [seq, type])).toEqual([
      [3, 'start'],
      [4, 'recovered'],
      [5, 'call'],
    ]);
    expect(recordsOf()[0]).toMatchObject({ previous: hash });
    expect((await verifyAudit(path)).fault).toBeUndefined();
  });

  it('reads a last line that is longer than a block', async () => {
    const first = fileOf({ keepArguments: 'redacted' });
    first.append(`"time":1,"type":"call"\t${JSON.stringify({ text: 'ü'.repeat(200_000) })}\n`);
    first.close();
    fileOf().append(call(2));
    expect(recordsOf().map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect((await verifyAudit(path)).fault).toBeUndefined();
  });

  it('writes nothing of a batch that fails, and goes on by itself when the file can be written again', async () => {
    const file = fileOf();
    file.append(call(1));
    const before = readFileSync(path, 'utf8');
    renameSync(path, `${path}.moved`);
    mkdirSync(path);
    for (let i = 0; i < 2; i++) expect(() => file.append(call(2))).toThrow(/EISDIR/);
    rmdirSync(path);
    renameSync(`${path}.moved`, path);
    expect(readFileSync(path, 'utf8')).toBe(before);
    file.append(call(2));
    expect(typesOf()).toEqual(['start', 'call', 'start', 'call']);
    expect((await verifyAudit(path)).fault).toBeUndefined();
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux('fails with the error of the disk that is full', () => {
    expect(() => fileOf({ path: '/dev/full' }).append(call(1))).toThrow(/ENOSPC/);
  });

  it('begins anew where the file was moved away or deleted under it, on the same chain', async () => {
    const file = fileOf();
    file.append(call(1));
    renameSync(path, `${path}.1`);
    file.append(call(2));
    expect(recordsOf().map(({ seq, type }) => [seq, type])).toEqual([
      [3, 'start'],
      [4, 'call'],
    ]);
    expect((await verifyAudit(path)).fault).toBeUndefined();
  });

  it('goes on after what another process has written', async () => {
    const [one, other] = [fileOf(), fileOf({ run: 'bb' })];
    one.append(call(1));
    other.append(call(2));
    one.append(call(3));
    expect(typesOf()).toEqual(['start', 'call', 'start', 'call', 'start', 'call']);
    expect((await verifyAudit(path)).fault).toBeUndefined();
  });

  it('finds records that were cut off at the end, by a hash that was kept elsewhere', async () => {
    const file = fileOf();
    const middle = file.append(call(1));
    const { hash } = file.append(call(2) + call(3));
    const lines = readFileSync(path, 'utf8').split('\n');
    truncateSync(path, Buffer.byteLength(`${lines.slice(0, -2).join('\n')}\n`));
    expect((await verifyAudit(path)).fault).toBeUndefined();
    expect((await verifyAudit(path, hash)).fault).toMatch(/No record has the hash/);
    expect((await verifyAudit(path, middle.hash)).fault).toBeUndefined();
  });

  it('finds bytes that only look like the text that was written', async () => {
    const file = fileOf();
    file.append('"time":1,"type":"call","target":"tool:\ufffd"\n');
    const bytes = readFileSync(path);
    const at = bytes.indexOf(Buffer.from('\ufffd'));
    bytes[at] = 0xf0;
    writeFileSync(path, bytes);
    expect((await verifyAudit(path)).fault).toMatch(/line 2 is no record/);
  });

  it('tells of a last line that is no record any more, and begins another chain', async () => {
    fileOf().append(call(1));
    appendFileSync(path, 'nonsense\n');
    fileOf().append(call(2));
    expect(recordsOfWhole()).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 1, previous: null }, { seq: 2 }]);
    expect((await verifyAudit(path)).fault).toMatch(/line 3 is no record of the log/);
  });

  const recordsOfWhole = (): unknown[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as unknown);

  it('keeps of arguments their digest, or themselves where they are redacted', () => {
    const args = JSON.stringify({ b: 1, a: 'x' });
    const batch = `"time":1,"type":"call"\t${args}\n`;
    const digests = fileOf();
    digests.append(batch);
    digests.close();
    expect(recordsOf()[1]).toMatchObject({ argsDigest: argumentsDigest('{"a":"x","b":1}', 'salt') });
    fileOf({ keepArguments: 'redacted', isSynced: true }).append(batch);
    expect(recordsOf()[3]).toMatchObject({ args: { b: 1, a: 'x' } });
  });
});

describe('argumentsDigest', () => {
  it('gives another digest under another salt, and for another value', () => {
    const digests = [argumentsDigest('{"a":1}', 's'), argumentsDigest('{"a":1}', 't'), argumentsDigest('{"a":2}', 's')];
    expect(new Set(digests).size).toBe(3);
    expect(argumentsDigest('{ "a": 1 }', 's')).toBe(digests[0]);
  });
});
