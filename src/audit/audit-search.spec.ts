import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditQuery, searchAudit } from './audit-search.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-audit-'));
  path = join(folder, 'audit.jsonl');
  const line = (n: number, more: object): string =>
    `${JSON.stringify({ n, time: n * 1_000, type: 'call', ...more })}\n`;
  writeFileSync(`${path}.1`, line(1, { principal: 'iss/ada', target: 'tool:nmap', outcome: 'success' }));
  writeFileSync(
    path,
    line(2, { principal: 'iss/bob', target: 'tool:nmap', outcome: 'refused', kind: 'rate_limited' }) +
      'nonsense\n' +
      line(3, { principal: 'iss/ada', target: 'prompt:p', outcome: 'failure', requestId: 'req-3' }) +
      line(4, { type: 'admin', principal: 'iss/ada', target: 'tool:nmap', outcome: 'success' }) +
      '{"n":5,"time":5000',
  );
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const found = async (query: AuditQuery): Promise<number[]> => {
  const numbers: number[] = [];
  for await (const line of searchAudit(path, query)) numbers.push((JSON.parse(line) as { n: number }).n);
  return numbers;
};

describe('searchAudit', () => {
  it('gives what fits all that is asked, oldest first, through all files', async () => {
    expect(await found({})).toEqual([1, 2, 3, 4]);
    expect(await found({ principal: 'iss/ada' })).toEqual([1, 3, 4]);
    expect(await found({ principal: 'iss/ada', target: 'tool:nmap' })).toEqual([1, 4]);
    expect(await found({ target: 'tool:*', type: 'call' })).toEqual([1, 2]);
    expect(await found({ kind: 'rate_limited' })).toEqual([2]);
    expect(await found({ outcome: 'failure' })).toEqual([3]);
    expect(await found({ requestId: 'req-3' })).toEqual([3]);
    expect(await found({ since: 2_000, until: 3_000 })).toEqual([2, 3]);
  });

  it('takes a text as it is written but for the star', async () => {
    expect(await found({ principal: 'iss.ada' })).toEqual([]);
    expect(await found({ principal: '*ada' })).toEqual([1, 3, 4]);
    expect(await found({ principal: 'iss' })).toEqual([]);
  });
});
