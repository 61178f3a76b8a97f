import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { principalOf, RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { ToolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { compileSchema } from '../schema/compile-schema.js';
import { fileRoots, resolveWithin } from './file-roots.js';
import { ListFilesInput, ListFilesTool } from './list-files.tool.js';

const MISSING = 'there is no such folder among those that this server shows';

let folder: string;
let root: string;
let outside: string;
let security: RecordingSecurityLog;

beforeEach(async () => {
  security = new RecordingSecurityLog();
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-files-')));
  root = join(folder, 'root');
  outside = join(folder, 'outside');
  await mkdir(join(root, 'sub', 'deep'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, 'secret.txt'), '');
  for (const name of ['b.txt', 'a.txt', '.hidden', 'Ä']) await writeFile(join(root, name), '');
});

afterEach(() => rm(folder, { recursive: true }));

/** The tool, called by one and the same caller. */
interface Lister {
  listFiles(args: ListFilesInput): Promise<string>;
}

function tool(more: { filesRoots?: readonly string[]; filesMaxEntries?: number } = {}): Lister {
  const lister = new ListFilesTool(AppConfig.of({ tools: { filesRoots: [root], ...more } }), security);
  return { listFiles: (args) => lister.listFiles(args, { principal: principalOf('operator') }) };
}

async function fault(path: string, lister = tool()): Promise<string> {
  const error: unknown = await lister.listFiles({ path }).then(
    (text) => new Error(`no fault: ${text}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ToolError)) throw error;
  return error.message;
}

describe('list_files', () => {
  it('5.1 lists names one a line, sorted, files and folders alike', async () => {
    expect(await tool().listFiles({ path: root })).toBe(`Files in ${root}:\n.hidden\na.txt\nb.txt\nsub\nÄ`);
  });

  it('5.1 takes a path from the first root on, and shows it as it was given', async () => {
    expect(await tool().listFiles({ path: './sub/../sub/' })).toBe('Files in ./sub/../sub/:\ndeep');
  });

  it('5.1 lists an empty folder', async () => {
    expect(await tool().listFiles({ path: 'sub/deep' })).toBe('Files in sub/deep:\n');
  });

  it('5.1 shows a name with a line break as one line', async () => {
    await writeFile(join(root, 'sub/deep', 'two\nlines'), '');
    expect(await tool().listFiles({ path: 'sub/deep' })).toBe('Files in sub/deep:\ntwo\\u000alines');
  });

  it('W-3 shows the first names up to the limit, and says that there are more', async () => {
    const text = 'Files in .:\n.hidden\na.txt\n[3 more not shown]';
    expect(await tool().listFiles({ path: '.', limit: 2 })).toBe(text);
    expect(await tool({ filesMaxEntries: 2 }).listFiles({ path: '.' })).toBe(text);
    expect(await tool({ filesMaxEntries: 2 }).listFiles({ path: '.', limit: 1_000 })).toBe(text);
    expect(await tool().listFiles({ path: '.', limit: 5 })).not.toContain('more');
  });

  it('W-3 S1-33 tells a folder that does not exist', async () => {
    expect(await fault('/nonexistent')).toBe(`Error listing files: /nonexistent: ${MISSING}`);
    expect(await fault('gone')).toBe(`Error listing files: gone: ${MISSING}`);
  });

  it('5.1 tells a file from a folder, within the roots', async () => {
    expect(await fault('a.txt')).toBe('Error listing files: a.txt: it is no folder, or the server may not read it');
  });

  it.each([
    {},
    { path: '' },
    { path: 1 },
    { path: '.', limit: 0 },
    { path: '.', limit: 1_001 },
    { path: '.', limit: 1.5 },
  ])('5.1 the schema refuses %j', async (args) => {
    expect(await compileSchema(ListFilesInput, 'input').check(args)).toMatchObject({ isValid: false });
  });
});

describe('list_files, what lies outside the roots', () => {
  it('W-3 does not follow a symlink out of the roots', async () => {
    await symlink(outside, join(root, 'link'));
    expect(await tool().listFiles({ path: '.' })).toContain('\nlink\n');
    expect(await fault('link')).toBe(`Error listing files: link: ${MISSING}`);
    expect(await fault('link/.')).toBe(`Error listing files: link/.: ${MISSING}`);
  });

  it('W-3 does not follow a chain of symlinks out of the roots', async () => {
    await symlink(outside, join(folder, 'second'));
    await symlink('../second', join(root, 'first'));
    expect(await fault('first')).toContain(MISSING);
  });

  it('W-3 follows a symlink that stays within the roots', async () => {
    await symlink('sub', join(root, 'inner'));
    expect(await tool().listFiles({ path: 'inner' })).toBe('Files in inner:\ndeep');
  });

  it('W-3 says the same of what exists elsewhere and of what does not exist', async () => {
    await symlink(outside, join(root, 'there'));
    await symlink(join(folder, 'nowhere'), join(root, 'nowhere'));
    await symlink('loop', join(root, 'loop'));
    const elsewhere = [
      outside,
      join(outside, 'secret.txt'),
      '..',
      '../outside',
      '/',
      '/etc',
      '/proc/self/cwd',
      'there',
    ];
    const nowhere = ['/nonexistent', `${root}x`, 'gone', 'a.txt/x', 'nowhere', 'loop', 'nul\0', 'x'.repeat(4_000)];
    for (const path of [...elsewhere, ...nowhere]) {
      const told = await fault(path);
      expect(told.startsWith('Error listing files: ') && told.endsWith(`: ${MISSING}`)).toBe(true);
    }
  });

  it('W-3 6.1 tells operators, and them alone, of a path that leads elsewhere', async () => {
    await symlink(outside, join(root, 'there'));
    for (const path of ['../outside', '/etc', 'there']) await fault(path);
    await fault('gone');
    const { subject } = principalOf('operator');
    const details = { tool: 'list_files', principal: subject, rule: 'roots' };
    expect(security.events).toEqual(Array(3).fill({ event: 'target_rejected', details }));
  });

  it('W-3 names no path but the one that it was given', async () => {
    await symlink(outside, join(root, 'link'));
    for (const path of ['link', 'gone', 'a.txt']) expect(await fault(path)).not.toContain(folder);
  });

  it('W-3 takes a root that is a symlink itself, by either name', async () => {
    const alias = join(folder, 'alias');
    await symlink(root, alias);
    const lister = tool({ filesRoots: [alias] });
    for (const path of ['sub', join(alias, 'sub'), join(root, 'sub')]) {
      expect(await lister.listFiles({ path })).toBe(`Files in ${path}:\ndeep`);
    }
  });

  it('W-3 takes several roots, and outlives one that is missing', async () => {
    const lister = tool({ filesRoots: [join(folder, 'unmounted'), root, outside] });
    expect(await lister.listFiles({ path: outside })).toBe(`Files in ${outside}:\nsecret.txt`);
    expect(await lister.listFiles({ path: join(root, 'sub') })).toContain('deep');
    expect(await fault('sub', lister)).toContain(MISSING);
    expect(await fault(folder, lister)).toContain(MISSING);
  });

  it('W-3 a folder whose name starts as a root does is no part of it', async () => {
    await mkdir(join(folder, 'root-of-others'));
    expect(await fault(join(folder, 'root-of-others'))).toContain(MISSING);
    await mkdir(join(root, '..names'));
    expect(await tool().listFiles({ path: '..names' })).toBe('Files in ..names:\n');
  });

  it('W-3 the start folder is the root where none is set', () => {
    expect(fileRoots({ filesRoots: [] })).toEqual([process.cwd()]);
  });

  it('W-3 no path whatever leads out of the roots', async () => {
    await symlink(outside, join(root, 'link'));
    await symlink('..', join(root, 'sub', 'up'));
    const step = fc.constantFrom('..', '.', 'sub', 'up', 'link', 'outside', 'root', 'deep', '', 'secret.txt', '\0');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, isAbsolute) => {
        const path = `${isAbsolute ? `${root}/` : ''}${steps.join('/')}`;
        const { path: found } = await resolveWithin([root], path);
        expect(found === undefined || found === root || found.startsWith(`${root}/`)).toBe(true);
      }),
    );
  });
});
