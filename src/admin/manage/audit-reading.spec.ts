import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import type { AuditQuery } from '../../audit/index.js';
import type { JsonObject } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { AuditReading } from './audit-reading.js';

let folder: TemporaryFolder;
let reading: AuditReading;
let file: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'audit.jsonl');
  reading = new AuditReading(AppConfig.of({ audit: { file } }));
});

afterEach(() => folder.remove());

const lines = Array.from({ length: 5 }, (_, seq) =>
  JSON.stringify({ seq, time: seq * 1_000, type: 'call', target: seq % 2 ? 'tool:echo' : 'tool:nmap' }),
);
const newest = (query: AuditQuery = {}, count = 2, isLeft = (): boolean => false): Promise<readonly JsonObject[]> =>
  reading.newest(query, count, isLeft);
const sequence = (records: readonly JsonObject[]): unknown[] => records.map(({ seq }) => seq);

describe('AuditReading', () => {
  it('gives the newest records that fit, oldest first', async () => {
    await writeFile(file, `${lines.join('\n')}\n`);
    expect(sequence(await newest())).toEqual([3, 4]);
    expect(sequence(await newest({ target: 'tool:n*' }))).toEqual([2, 4]);
    expect(sequence(await newest({ target: 'tool:nmap', until: 2_000 }, 10))).toEqual([0, 2]);
    expect(await newest({ target: 'tool:ping' })).toEqual([]);
  });

  it('reads for one at a time, and no further for whoever has left', async () => {
    await writeFile(file, `${lines.join('\n')}\n`);
    const first = newest();
    await expect(newest()).rejects.toMatchObject({ kind: 'server_busy', data: { retryAfterMs: 1_000 } });
    await first;
    expect(await newest({ type: 'call' }, 2, () => true)).toEqual([]);
  });

  it('says where no file is set, and has nothing to show of one that is not there yet', async () => {
    expect([await newest(), await newest({ type: 'call' })]).toEqual([[], []]);
    await expect(new AuditReading(AppConfig.of()).newest({}, 1, () => false)).rejects.toMatchObject({
      kind: 'not_found',
      message: expect.stringContaining('MCP_AUDIT_FILE') as unknown,
    });
  });
});
