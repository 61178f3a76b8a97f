import { describe, expect, it } from '@jest/globals';
import { eraOf } from './envelope.js';
import { isLegacyRevision, LEGACY_REVISIONS, MODERN_REVISION, negotiate, rulesOf } from './revisions.js';

describe('negotiate', () => {
  it.each([...LEGACY_REVISIONS])('K-34 gives %s to who asks for it', (revision) => {
    expect(negotiate(revision)).toBe(revision);
    expect(isLegacyRevision(revision)).toBe(true);
  });

  it.each(['2026-07-28', '2099-01-01', '2024-01-01', '', 'latest', null, undefined, 20251125, ['2024-11-05']])(
    'K-34 gives the newest legacy one to who asks for %p',
    (asked) => {
      expect(negotiate(asked)).toBe('2025-11-25');
      expect(isLegacyRevision(asked)).toBe(false);
    },
  );
});

describe('rulesOf', () => {
  const having = (rule: keyof ReturnType<typeof rulesOf>): string[] =>
    [...LEGACY_REVISIONS, MODERN_REVISION].filter((revision) => rulesOf(revision)[rule]);

  it('D-1 batches exist in 2025-03-26 only', () => {
    expect(having('batches')).toEqual(['2025-03-26']);
  });

  it('what came with a revision stays in those after it', () => {
    expect(having('toolAnnotations')).toEqual(['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']);
    expect(having('structuredContent')).toEqual(['2025-06-18', '2025-11-25', '2026-07-28']);
    expect(having('versionHeader')).toEqual(['2025-06-18', '2025-11-25', '2026-07-28']);
    expect(having('icons')).toEqual(['2025-11-25', '2026-07-28']);
    expect(having('inputFaultsAsResults')).toEqual(['2025-11-25', '2026-07-28']);
  });

  it('cannot be changed by whoever reads them', () => {
    for (const revision of LEGACY_REVISIONS) expect(Object.isFrozen(rulesOf(revision))).toBe(true);
  });
});

describe('eraOf', () => {
  const KEY = 'io.modelcontextprotocol/protocolVersion';

  it.each([
    [{ method: 'server/discover' }, 'modern'],
    [{ method: 'server/discover', params: {} }, 'modern'],
    [{ method: 'tools/list', params: { _meta: { [KEY]: '2026-07-28' } } }, 'modern'],
    [{ method: 'initialize', params: { _meta: { [KEY]: 1 } } }, 'modern'],
    [{ method: 'tools/list', params: { _meta: { progressToken: 1 } } }, 'legacy'],
    [{ method: 'tools/list', params: { _meta: null } }, 'legacy'],
    [{ method: 'tools/list', params: { _meta: KEY } }, 'legacy'],
    [{ method: 'tools/list', params: { [KEY]: '2026-07-28' } }, 'legacy'],
    [{ method: 'initialize', params: { protocolVersion: '2026-07-28' } }, 'legacy'],
    [{ method: 'tools/list' }, 'legacy'],
    [{}, 'legacy'],
  ] as const)('D-1 %j is %s', (message, era) => {
    expect(eraOf(message)).toBe(era);
  });
});
