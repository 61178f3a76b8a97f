import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DefinedTool } from '../tool-options.js';
import { loadPlugins } from './plugin-loader.js';

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-plugins-')));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function put(path: string, text: string): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

const tool = (name: string): string => `export default { name: '${name}', run: () => '${name}' };`;
const namesOf = ({ plugins }: Awaited<ReturnType<typeof loadPlugins>>): string[] =>
  plugins.flatMap(({ tools }) => tools.map(({ name }) => name));

describe('loadPlugins', () => {
  it('S4-26 takes each file of a folder, in a stable order', async () => {
    await put('tools/b.mjs', tool('b'));
    await put('tools/a.mjs', tool('a'));
    await put('tools/c.cjs', `module.exports = { name: 'c', run: () => 'c' };`);
    await put('tools/d.js', `module.exports = [{ name: 'd', run: () => 'd' }, { name: 'e', run: () => 'e' }];`);
    const loaded = await loadPlugins(['tools'], folder);
    expect(loaded.broken).toEqual([]);
    expect(namesOf(loaded)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(loaded.plugins.map(({ source }) => source)).toEqual(
      ['a.mjs', 'b.mjs', 'c.cjs', 'd.js'].map((name) => join(folder, 'tools', name)),
    );
    expect((loaded.plugins[0]?.tools[0] as DefinedTool).run({} as never, {} as never)).toBe('a');
  });

  it('S4-26 passes over what is set aside, and what is no program', async () => {
    for (const name of ['_helper.mjs', 'a.spec.mjs', 'a.test.js', 'readme.md', 'data.json', 'types.d.ts', 'tool.ts']) {
      await put(`tools/${name}`, 'throw new Error("It was loaded");');
    }
    await put('tools/nested/a.mjs', 'throw new Error("It was loaded");');
    await put('tools/spec.mjs', tool('spec'));
    const loaded = await loadPlugins(['tools'], folder);
    expect([namesOf(loaded), loaded.broken]).toEqual([['spec'], []]);
  });

  it('takes one file, by a relative or an absolute path, whatever it is called', async () => {
    const file = await put('deep/_one.mjs', tool('one'));
    expect(namesOf(await loadPlugins(['deep/_one.mjs'], folder))).toEqual(['one']);
    expect(namesOf(await loadPlugins(['./deep/_one.mjs'], folder))).toEqual(['one']);
    expect(namesOf(await loadPlugins([file], '/'))).toEqual(['one']);
  });

  it('takes a package by its name, and a folder that is one', async () => {
    await put('node_modules/my-tools/package.json', '{"name":"my-tools","main":"./lib/index.mjs"}');
    await put('node_modules/my-tools/lib/index.mjs', tool('packaged'));
    await put('node_modules/my-tools/lib/other.mjs', tool('other'));
    const byName = await loadPlugins(['my-tools'], folder);
    expect([namesOf(byName), byName.plugins[0]?.source]).toEqual([
      ['packaged'],
      join(folder, 'node_modules/my-tools/lib/index.mjs'),
    ]);
    expect(namesOf(await loadPlugins(['node_modules/my-tools'], folder))).toEqual(['packaged']);
  });

  it.each([
    './lib/index.mjs',
    { '.': './lib/index.mjs' },
    { '.': { types: './lib/index.d.ts', default: './lib/index.mjs' } },
    { '.': { types: './lib/index.d.ts', import: './lib/index.mjs' } },
    { '.': { types: './types.d.ts', node: { require: './gone.cjs', import: './lib/index.mjs' } } },
    { import: { types: './lib/index.d.ts', default: './lib/index.mjs' } },
  ])('takes a package by its exports: %j', async (exports) => {
    await put('node_modules/@us/tools/package.json', JSON.stringify({ name: '@us/tools', exports }));
    await put('node_modules/@us/tools/lib/index.mjs', tool('exported'));
    const { plugins, broken } = await loadPlugins(['@us/tools', 'node_modules/@us/tools'], folder);
    expect(broken).toEqual([]);
    const source = join(folder, 'node_modules/@us/tools/lib/index.mjs');
    expect(plugins.map((plugin) => plugin.source)).toEqual([source, source]);
  });

  it.each([{}, { '.': {} }, { './other': './index.mjs' }, { '.': { require: './gone.cjs' } }, { '.': null }])(
    'says of a package that exports nothing to import that it does not: %j',
    async (exports) => {
      await put('node_modules/tools/package.json', JSON.stringify({ name: 'tools', exports }));
      const { plugins, broken } = await loadPlugins(['tools'], folder);
      expect([plugins, broken.map(({ source }) => source)]).toEqual([[], [expect.stringMatching(/tools|gone\.cjs/)]]);
    },
  );

  it('S4-28 leaves out what is broken, says why, and loads the rest', async () => {
    const good = await put('tools/good.mjs', tool('good'));
    await put('tools/syntax.mjs', 'export default {');
    await put('tools/throws.mjs', 'throw new Error("no database");');
    await put('tools/text.mjs', 'throw "just a text";');
    await put('tools/nothing.mjs', 'export const tool = 1;');
    await put('tools/number.mjs', 'export default 1;');
    const { plugins, broken } = await loadPlugins(
      ['tools', 'gone-package', './gone', join(folder, 'gone.mjs')],
      folder,
    );
    expect(plugins.map(({ source }) => source)).toEqual([good]);
    const reasons = Object.fromEntries(broken.map(({ source, reason }) => [source.replace(`${folder}/`, ''), reason]));
    expect(reasons).toEqual({
      'tools/syntax.mjs': expect.stringMatching(/Unexpected/) as unknown,
      'tools/throws.mjs': 'no database',
      'tools/text.mjs': 'just a text',
      'tools/nothing.mjs': expect.stringMatching(/^its default export is missing: export a Nest module/) as unknown,
      'tools/number.mjs': expect.stringMatching(/^its default export is number: export a Nest module/) as unknown,
      'gone-package': expect.stringMatching(/Cannot find module 'gone-package'/) as unknown,
      './gone': 'there is no such file or folder',
      'gone.mjs': 'there is no such file or folder',
    });
  });

  it('says of a package without an entry that it has none', async () => {
    await put('empty/package.json', '{"name":"empty"}');
    const { plugins, broken } = await loadPlugins(['empty'], folder);
    expect(plugins).toEqual([]);
    expect(broken).toEqual([{ source: 'empty', reason: expect.stringMatching(/Cannot find/) as unknown }]);
  });

  it('does nothing where there is nothing', async () => {
    await mkdir(join(folder, 'tools'));
    expect(await loadPlugins([], folder)).toEqual({ plugins: [], broken: [] });
    expect(await loadPlugins(['tools'], folder)).toEqual({ plugins: [], broken: [] });
  });
});
