import { access, readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, ROOT), 'utf8');

/** Files of tests in a cell, each with the names that follow it. */
const NAMED = /`((?:test|src)\/[\w./-]+\.ts)`:((?: `[^`]+`,?)+)/g;

interface NamedTest {
  readonly file: string;
  readonly name: string;
}

async function promises(): Promise<readonly { readonly promise: string; readonly tests: readonly NamedTest[] }[]> {
  const [, section = ''] = (await read('docs/security.md')).split('## What is promised, and how it is tested');
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => /^\| (?!---|Promise)/.test(line));
  return rows.map((row) => {
    const [, promise = '', shownBy = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const tests = [...shownBy.matchAll(NAMED)].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => ({ file, name })),
    );
    return { promise, tests };
  });
}

describe('docs/security.md', () => {
  it('names a test for each promise, and each of them is there', async () => {
    const all = await promises();
    expect(all.length).toBeGreaterThan(20);
    for (const { promise, tests } of all) {
      expect([promise, tests.length > 0]).toEqual([promise, true]);
      for (const { file, name } of tests) {
        const source = await read(file);
        expect([file, name, source.includes(`'${name}'`)]).toEqual([file, name, true]);
      }
    }
  });

  it('knows every file of attacks', async () => {
    const text = await read('docs/security.md');
    const files = (await readdir(new URL('test/e2e/', ROOT))).filter((file) => /^attacks-.*e2e-spec/.test(file));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect([file, text.includes(`test/e2e/${file}`)]).toEqual([file, true]);
  });

  it('links to files that are there', async () => {
    const links = [...(await read('docs/security.md')).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)];
    expect(links.length).toBeGreaterThan(4);
    for (const [, link = ''] of links) await access(new URL(link, new URL('docs/', ROOT)));
  });
});
