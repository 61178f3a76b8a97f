import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FakeClock } from '../../test/support/fake-clock.js';
import { builtInPolicy, principalOf, ToolWorld } from '../../test/support/tool-world.js';
import { AnonymousAuthenticator } from '../auth/authenticator.js';
import type { Principal } from '../auth/index.js';
import { ProtocolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import type { Revision, SerializedResult } from '../protocol/index.js';
import { Sealer } from '../session/index.js';
import { EmbeddedState } from '../store/index.js';
import { Cursors, type PagedList } from './cursors.js';
import { type Listed, Pages, type PageSource } from './pages.js';
import { ServerIdentity } from './server-identity.js';

interface Entry extends Listed {
  readonly name: string;
}

const OPERATOR = principalOf('operator');
const ADMIN = principalOf('admin');
let sealer: Sealer;
let cursors: Cursors;
let pages: Pages;
let entries: Entry[];
let version: number;
const view = jest.fn(({ name }: Entry) => ({ name }));

const world = new ToolWorld();
const entry = (ordinal: number, name: string, roles?: readonly string[]): Entry => ({
  ordinal,
  name,
  target: world.gate.target({ kind: 'tool', name, tags: [], roles }, () => new ProtocolError('unknown_tool', name)),
});

interface Asked {
  readonly principal?: Principal;
  readonly revision?: Revision;
  readonly list?: PagedList;
}

const source = (list: PagedList = 'tools'): PageSource<Entry> => ({ list, version, entries: () => entries, view });
const page = (
  cursor?: unknown,
  { principal = OPERATOR, revision = '2025-11-25', list = 'tools' }: Asked = {},
): SerializedResult => pages.page(source(list), { principal, revision, cursor });
const read = (result: SerializedResult): { names: string[]; nextCursor?: string } => {
  const { nextCursor, tools, ...rest } = JSON.parse(result.json) as { nextCursor?: string; tools?: { name: string }[] };
  const shown = tools ?? (Object.values(rest)[0] as { name: string }[]);
  return { names: shown.map(({ name }) => name), ...(nextCursor && { nextCursor }) };
};

beforeEach(async () => {
  sealer = new Sealer((await EmbeddedState.open({ clock: new FakeClock() })).keys);
  cursors = new Cursors(sealer);
  const config = AppConfig.of({ limits: { listPageSize: 2 } });
  const identity = new ServerIdentity(config, new AnonymousAuthenticator(config));
  pages = new Pages(builtInPolicy(), cursors, identity, config);
  entries = [entry(0, 'a'), entry(1, 'b', ['admin']), entry(2, 'c'), entry(5, 'd'), entry(6, 'e')];
  version = 1;
  view.mockClear();
});

describe('Cursors', () => {
  it('hold the place after an entry, and show nothing of it', () => {
    for (const after of [0, 1, 4_294_967_295]) {
      const cursor = cursors.seal('tools', after);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(cursors.open('tools', cursor)).toBe(after);
    }
    expect(cursors.seal('tools', 1)).not.toBe(cursors.seal('tools', 1));
    expect(cursors.open('tools', undefined)).toBe(-1);
  });

  it('D-7 open for no other list, and for nothing that was not sealed as a cursor', () => {
    const cursor = cursors.seal('tools', 1);
    const refused = expect.objectContaining({
      kind: 'invalid_cursor',
      message: 'Invalid cursor: start again without one',
    }) as unknown as Error;
    for (const list of ['resources', 'resourceTemplates', 'prompts'] as const) {
      expect(() => cursors.open(list, cursor)).toThrow(refused);
    }
    const forged = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`;
    const others = [sealer.seal('task', Buffer.from([0, 0, 0, 0, 1])), sealer.seal('cursor', Buffer.from([0]))];
    for (const text of ['', 'x', '1', forged, `${cursor}=`, ...others, null, 5, {}, [cursor]]) {
      expect(() => cursors.open('tools', text)).toThrow(refused);
    }
  });

  it('open for no other process with other keys', async () => {
    const other = new Sealer((await EmbeddedState.open({ clock: new FakeClock() })).keys);
    expect(() => new Cursors(other).open('tools', cursors.seal('tools', 1))).toThrow();
  });
});

describe('Pages', () => {
  it('give every entry that a caller may see, a page at a time, in order', () => {
    const first = read(page());
    expect(first.names).toEqual(['a', 'c']);
    const second = read(page(first.nextCursor));
    expect(second).toEqual({ names: ['d', 'e'] });
    const admin = { principal: ADMIN };
    const seen = [read(page(undefined, admin))];
    while (seen.at(-1)?.nextCursor) seen.push(read(page(seen.at(-1)?.nextCursor, admin)));
    expect(seen.map(({ names }) => names)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('give an empty list where there is nothing', () => {
    entries = [];
    expect(JSON.parse(page().json)).toEqual({ tools: [] });
    expect(JSON.parse(page(undefined, { list: 'resourceTemplates' }).json)).toEqual({ resourceTemplates: [] });
  });

  it('stay good when entries come and go in between', () => {
    const { nextCursor } = read(page());
    entries = [entry(0, 'a'), entry(5, 'd'), entry(6, 'e'), entry(7, 'f')];
    version = 2;
    expect(read(page(nextCursor)).names).toEqual(['d', 'e']);
    entries = [];
    version = 3;
    expect(read(page(nextCursor)).names).toEqual([]);
  });

  it('D-13 do not show one caller what another may see, whatever the cursor', () => {
    const { nextCursor } = read(page(undefined, { principal: ADMIN }));
    expect(read(page(nextCursor)).names).toEqual(['c', 'd']);
    expect(view.mock.calls.filter(([{ name }]) => name === 'b')).toHaveLength(1);
  });

  it('are serialised once per revision, set of roles and version of the list', () => {
    const first = page();
    expect(page()).toBe(first);
    expect(page(undefined, { principal: { ...OPERATOR, subject: 'bob' } })).toBe(first);
    expect(view).toHaveBeenCalledTimes(2);
    for (const other of [
      page(undefined, { revision: '2024-11-05' }),
      page(undefined, { principal: ADMIN }),
      page(undefined, { list: 'prompts' }),
      page(read(first).nextCursor),
    ]) {
      expect(other).not.toBe(first);
    }
    const calls = view.mock.calls.length;
    version = 2;
    expect(page()).not.toBe(first);
    expect(view).toHaveBeenCalledTimes(calls + 2);
    expect(page()).toBe(page());
  });

  it('a change of one list leaves the pages of the others', () => {
    const prompts = page(undefined, { list: 'prompts' });
    const tools = page();
    version = 2;
    expect(page()).not.toBe(tools);
    version = 1;
    expect(page(undefined, { list: 'prompts' })).toBe(prompts);
  });

  it('are no more than 512, however many roles callers have', () => {
    const kept = (pages as unknown as { pages: Map<string, unknown> }).pages;
    for (let i = 0; i < 1_500; i++) {
      page(undefined, { principal: principalOf(`role ${i}`) });
      expect(kept.size).toBeLessThanOrEqual(512);
    }
    expect(read(page()).names).toEqual(['a', 'c']);
  });

  it('D-1 carry in 2026-07-28 what that revision demands of a list', () => {
    expect(JSON.parse(page(undefined, { revision: '2026-07-28' }).json)).toEqual({
      resultType: 'complete',
      ttlMs: 300_000,
      cacheScope: 'public',
      tools: [{ name: 'a' }, { name: 'c' }],
      nextCursor: expect.any(String) as unknown,
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'gatehouse', version: expect.any(String) as unknown } },
    });
  });
});
