import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followLines, linesOf, newestLines } from './audit-reader.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-audit-'));
  path = join(folder, 'audit.jsonl');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('linesOf', () => {
  it('gives all lines with their places, oldest file first, and says which was cut off', async () => {
    writeFileSync(`${path}.10`, 'a\n');
    writeFileSync(`${path}.2`, 'b\nc\n');
    writeFileSync(`${path}.x`, 'no\n');
    writeFileSync(path, `${'ü'.repeat(100_000)}\nd`);
    const lines = [];
    for await (const { file, number, text, isWhole } of linesOf(path)) {
      lines.push([file.slice(path.length), number, text.length, isWhole]);
    }
    expect(lines).toEqual([
      ['.10', 1, 1, true],
      ['.2', 1, 1, true],
      ['.2', 2, 1, true],
      ['', 1, 100_000, true],
      ['', 2, 1, false],
    ]);
  });
});

describe('newestLines', () => {
  it('takes as many as are asked for, from as many files as it needs', async () => {
    writeFileSync(`${path}.1`, 'a\nb\nc\n');
    writeFileSync(path, 'd\ne\ncut');
    expect(await newestLines(path, 0)).toEqual([]);
    expect(await newestLines(path, 1)).toEqual(['e']);
    expect(await newestLines(path, 3)).toEqual(['c', 'd', 'e']);
    expect(await newestLines(path, 99)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('followLines', () => {
  it('gives what comes, whole lines alone, through a rotation', async () => {
    writeFileSync(path, 'before\n');
    const lines = await followLines(path);
    appendFileSync(path, 'one\ntw');
    expect(await lines.next()).toMatchObject({ value: 'one' });
    appendFileSync(path, 'o\nthree\n');
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'four\n');
    expect(await lines.next()).toMatchObject({ value: 'two' });
    expect(await lines.next()).toMatchObject({ value: 'three' });
    expect(await lines.next()).toMatchObject({ value: 'four' });
    await lines.return(undefined);
  });
});
