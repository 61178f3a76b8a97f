import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '../../src/common/index.js';
import { JournalDurableStore } from '../../src/store/memory/journal-durable-store.js';
import { BuiltServer } from '../support/built-server.js';
import type { Json } from '../support/messages.js';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const ADMIN = { Authorization: 'Bearer admin-token-of-the-state-crash-0000000001' };
const ENV = { MCP_AUTH_TOKENS: `root:admin:${ADMIN.Authorization.slice(7)}`, MCP_RATE_LIMIT_MAX: '100000' };
const KILLS = Number(process.env['STATE_KILLS'] ?? 20);
const KEYS = 40;

/** Each seventh change of all is a removal. */
const REMOVAL = 7;

/** Changes records without a pause, and tells of each before it begins and when it is durable. They are large, so that
 * the file is compacted again and again. */
const WRITER = `
const { SystemClock } = await import(${JSON.stringify(join(ROOT, 'dist/common/index.js'))});
const { JournalDurableStore } = await import(${JSON.stringify(join(ROOT, 'dist/store/memory/journal-durable-store.js'))});
const [path, from] = process.argv.slice(1);
const store = await JournalDurableStore.open({ path, clock: new SystemClock() });
const pad = 'x'.repeat(8192);
let n = Number(from);
const work = async (key) => {
  for (;;) {
    const turn = ++n;
    process.stdout.write('begun ' + key + ' ' + turn + '\\n');
    if (turn % ${REMOVAL} === 0) await store.delete('tool-states', key);
    else await store.put({ namespace: 'tool-states', key, value: { turn, pad } });
    process.stdout.write('done ' + key + ' ' + turn + '\\n');
  }
};
await Promise.all(Array.from({ length: ${KEYS} }, (_, at) => work('k' + at)));
`;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

describe('the state of a server that is alone', () => {
  it(
    `W-13 has all that was promised after kill -9 in the middle of writes, ${KILLS} times`,
    async () => {
      const path = join(folder.path, 'state.jsonl');
      const durable = new Map<string, number>();
      const inodes = new Set<number>();
      let turn = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const writer = Program.start({
          command: [process.execPath, '--input-type=module', '--eval', WRITER],
          args: [path, String(turn)],
          cwd: folder.path,
        });
        await writer.said(/^done /m, 'stdout');
        await pause((kill * 37) % 200);
        const { signal } = await writer.stop('SIGKILL');
        expect([signal, writer.stderr]).toEqual(['SIGKILL', '']);
        const begun = new Map<string, number>();
        for (const [, what, key = '', at] of writer.stdout.matchAll(/^(begun|done) (k\d+) (\d+)\n/gm)) {
          (what === 'done' ? durable : begun).set(key, Number(at));
          turn = Math.max(turn, Number(at));
        }
        const store = await JournalDurableStore.open({ path, clock: new SystemClock() });
        for (const [key, last] of begun) {
          const value = (await store.get('tool-states', key)) as { turn: number; pad: string } | undefined;
          // What was promised last, or what was on its way after it: whole in any case.
          expect([turnKept(durable.get(key)), turnKept(last)]).toContain(value?.turn);
          if (value) expect(value.pad).toHaveLength(8_192);
          if (value?.turn === turnKept(last)) durable.set(key, last);
        }
        await store.close();
        inodes.add((await stat(path)).ino);
      }
      expect(durable.size).toBe(KEYS);
      // It was compacted meanwhile, which puts another file in its place.
      expect(inodes.size).toBeGreaterThan(1);
    },
    KILLS * PATIENCE_MS,
  );

  it(
    'W-13 keeps every key that was made over kill -9 of the server while it makes them',
    async () => {
      const server = await BuiltServer.start({ env: ENV });
      try {
        const made = new Set<string>();
        for (let round = 0; round < 3; round++) {
          const rest = new RestClient(server.url);
          let isOver = false;
          const making = Array.from({ length: 4 }, async (_, at) => {
            for (let n = 0; !isOver; n++) {
              try {
                const { status, json } = await rest.post(
                  '/admin/keys',
                  { name: `k-${round}-${at}-${n}`, roles: ['operator'] },
                  ADMIN,
                );
                if (status === 201) made.add((json['key'] as { id: string }).id);
              } catch {
                // The server is gone: it promised nothing.
                return;
              }
            }
          });
          await until(() => made.size >= (round + 1) * 8, 'some keys');
          await server.stop('SIGKILL');
          isOver = true;
          await Promise.all(making);
          await server.restart();
          const { json } = await new RestClient(server.url).get('/admin/keys', ADMIN);
          const known = (json['keys'] as Json[]).map(({ id }) => id);
          expect([...made].filter((id) => !known.includes(id))).toEqual([]);
        }
      } finally {
        await server.dispose();
      }
    },
    8 * PATIENCE_MS,
  );

  it(
    'W-13 refuses a file that is damaged, and starts by the way out that it names',
    async () => {
      const args = ['serve', '--transport', 'http', '--port', '0', '--state-dir', folder.path];
      const start = (): Program => Program.start({ args, env: { ...ENV, HOME: folder.path }, cwd: folder.path });
      const first = start();
      const [, url = ''] = await first.said(/MCP endpoint: +(\S+)/);
      expect((await new RestClient(url).post('/admin/keys', { name: 'k', roles: ['operator'] }, ADMIN)).status).toBe(
        201,
      );
      await first.stop();
      const journal = join(folder.path, 'state.journal');
      const text = await readFile(journal, 'utf8');
      await writeFile(journal, text.replace(/"k"/, '"K"'));
      const refused = await Program.run({ args, env: { ...ENV, HOME: folder.path }, cwd: folder.path });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`The journal ${journal} is damaged at line`);
      const [, from = '', to = ''] = /mv '([^']+)' '([^']+)'/.exec(refused.stderr) ?? [];
      // Nothing was lost by the try.
      expect(await readFile(journal, 'utf8')).toBe(text.replace(/"k"/, '"K"'));
      await rename(from, to);
      const again = start();
      await again.said(/MCP endpoint/);
      await again.stop();
    },
    4 * PATIENCE_MS,
  );
});

/** @returns what the record of a key says after a change; undefined where there is none */
function turnKept(turn: number | undefined): number | undefined {
  return turn === undefined || turn % REMOVAL === 0 ? undefined : turn;
}
