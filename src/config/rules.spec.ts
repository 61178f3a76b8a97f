import { describe, expect, it } from '@jest/globals';
import { AppConfig } from './app-config.js';
import type { Source } from './reading.js';
import { addressMeansHttp, auditNeedsFile, bodyOutlastsHeaders, openBindNeedsConsent, type Settled } from './rules.js';
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

describe('openBindNeedsConsent', () => {
  const server = { transports: ['http'] } as const;

  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '::ffff:10.0.0.1', '127.example.com'])(
    'K-4 refuses %s and says what to do',
    (host) => {
      const fault = openBindNeedsConsent.check(settled({ server: { ...server, host } }))?.fault;
      expect(fault).toContain(`The host ${host} is not loopback`);
      expect(fault).toContain('--allow-unauthenticated');
    },
  );

  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])('K-4 lets %s be', (host) => {
    expect(openBindNeedsConsent.check(settled({ server: { ...server, host } }))).toBeUndefined();
  });

  it('K-4 asks for nothing on stdio, or where the operator said so', () => {
    expect(openBindNeedsConsent.check(settled({ server: { host: '0.0.0.0' } }))).toBeUndefined();
    const allowed = { ...server, host: '0.0.0.0', allowUnauthenticated: true };
    expect(openBindNeedsConsent.check(settled({ server: allowed }))).toBeUndefined();
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

describe('auditNeedsFile', () => {
  const of = (audit: Partial<Groups['audit']>): Settled => ({
    groups: { ...DEFAULTS, audit: { ...DEFAULTS.audit, ...audit } },
    sourceOf: () => 'env',
  });

  it('refuses a log that is required and has no file', () => {
    expect(auditNeedsFile.check(of({ required: true }))?.fault).toContain('name one with MCP_AUDIT_FILE');
  });

  it('takes either alone, and both', () => {
    for (const audit of [{}, { file: 'audit.jsonl' }, { required: true, file: 'audit.jsonl' }]) {
      expect(auditNeedsFile.check(of(audit))).toBeUndefined();
    }
  });
});
