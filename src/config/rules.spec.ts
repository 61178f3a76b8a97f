import { describe, expect, it } from '@jest/globals';
import { AppConfig } from './app-config.js';
import type { Source } from './reading.js';
import type { Settled } from './rule.js';
import { addressMeansHttp, bodyOutlastsHeaders } from './rules.js';
import type { Groups } from './schema.js';

const DEFAULTS = AppConfig.of();

/** Settings that differ from the defaults, not judged by the rules yet. */
function settled(
  { server, http }: { server?: Partial<Groups['server']>; http?: Partial<Groups['http']> },
  sources: Record<string, Source> = {},
): Settled {
  const groups = { ...DEFAULTS, server: { ...DEFAULTS.server, ...server }, http: { ...DEFAULTS.http, ...http } };
  return { groups, sourceOf: (key) => sources[key] ?? 'default' };
}

describe('addressMeansHttp', () => {
  it.each(['flag', 'env', '.env'] as const)('K-1 takes http and says so when a port comes from %s', (source) => {
    expect(addressMeansHttp.check(settled({}, { 'server.port': source }))).toEqual({
      change: { server: { transports: ['http'] } },
      source,
      warning: expect.stringContaining('a port is given and no transport, so http is served'),
    });
  });

  it('K-1 names both when host and port are given', () => {
    const finding = addressMeansHttp.check(settled({}, { 'server.port': 'env', 'server.host': 'flag' }));
    expect(finding?.warning).toContain('a host and a port');
    expect(finding?.source).toBe('flag');
  });

  it.each<[string, Record<string, Source>]>([
    ['nothing is given', {}],
    ['a transport is given too', { 'server.port': 'flag', 'server.transports': 'file a.yaml' }],
    ['the port comes from a file', { 'server.port': 'file a.yaml' }],
  ])('K-1 leaves the transport alone when %s', (_when, sources) => {
    expect(addressMeansHttp.check(settled({}, sources))).toBeUndefined();
  });
});

describe('bodyOutlastsHeaders', () => {
  it('raises the body timeout to the headers timeout', () => {
    const http = { headersTimeoutMs: 20_000, bodyTimeoutMs: 5_000 };
    expect(bodyOutlastsHeaders.check(settled({ http }))).toEqual({
      change: { http: { bodyTimeoutMs: 20_000 } },
      warning: expect.stringContaining('config_clamped param=http.bodyTimeoutMs original=5000 new=20000'),
    });
  });

  it('leaves one that is long enough', () => {
    const http = { headersTimeoutMs: 20_000, bodyTimeoutMs: 20_000 };
    expect(bodyOutlastsHeaders.check(settled({ http }))).toBeUndefined();
  });
});
