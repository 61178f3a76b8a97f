import { describe, expect, it } from '@jest/globals';
import { AppConfig } from './app-config.js';
import type { Source } from './reading.js';
import type { Settled } from './rule.js';
import {
  addressMeansHttp,
  auditNeedsFile,
  bodyOutlastsHeaders,
  clientAuthNeedsCa,
  pathMeansTls,
  tlsMeansHsts,
  bufferHoldsMessage,
  tcpIdleTimeoutIsLong,
  wsIdleTimeoutIsLong,
} from './rules.js';
import type { Groups } from './schema.js';

const DEFAULTS = AppConfig.of();

/** Settings that differ from the defaults, not judged by the rules yet. */
function settled(
  { server, http, tls, limits }: { [Name in 'server' | 'http' | 'tls' | 'limits']?: Partial<Groups[Name]> },
  sources: Record<string, Source> = {},
): Settled {
  const groups = {
    ...DEFAULTS,
    server: { ...DEFAULTS.server, ...server },
    http: { ...DEFAULTS.http, ...http },
    tls: { ...DEFAULTS.tls, ...tls },
    limits: { ...DEFAULTS.limits, ...limits },
  };
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

describe('pathMeansTls', () => {
  it.each(['tls.cert', 'tls.key', 'tls.clientCa'])('K-25 switches TLS on where %s is given', (key) => {
    expect(pathMeansTls.check(settled({}, { [key]: 'env' }))).toEqual({
      change: { tls: { enabled: true } },
      source: 'env',
    });
  });

  it('K-25 leaves TLS off where only the default paths stand, and takes the word of who says on or off', () => {
    expect(pathMeansTls.check(settled({}))).toBeUndefined();
    expect(pathMeansTls.check(settled({}, { 'tls.enabled': 'flag', 'tls.cert': 'env' }))).toBeUndefined();
  });
});

describe('clientAuthNeedsCa', () => {
  it.each(['request', 'require'] as const)('S0-28 refuses %s without a CA, as any public one would do then', (auth) => {
    const fault = clientAuthNeedsCa.check(settled({ tls: { clientAuth: auth } }))?.fault;
    expect(fault).toContain(`tls.clientAuth is ${auth}`);
    expect(fault).toContain('--ssl-client-ca');
  });

  it('S0-28 requires a certificate where a CA alone is given', () => {
    expect(clientAuthNeedsCa.check(settled({ tls: { clientCa: 'ca.crt' } }, { 'tls.clientCa': 'flag' }))).toEqual({
      change: { tls: { clientAuth: 'require' } },
      source: 'flag',
    });
  });

  it('takes the word of who says none, and tells that the CA is not used', () => {
    const said = { 'tls.clientAuth': 'env' } as const;
    expect(clientAuthNeedsCa.check(settled({ tls: { clientCa: 'ca.crt' } }, said))).toEqual({
      warning: expect.stringContaining('no client is asked'),
    });
    expect(clientAuthNeedsCa.check(settled({ tls: { clientCa: 'ca.crt', clientAuth: 'request' } }))).toBeUndefined();
    expect(clientAuthNeedsCa.check(settled({}))).toBeUndefined();
  });
});

describe('tlsMeansHsts', () => {
  it('S2-39 keeps browsers to HTTPS for a year where TLS is on and nobody said otherwise', () => {
    const on = { tls: { enabled: true } };
    expect(tlsMeansHsts.check(settled(on, { 'tls.enabled': 'flag' }))).toEqual({
      change: { http: { hstsMaxAgeSec: 31_536_000 } },
      source: 'flag',
    });
    expect(tlsMeansHsts.check(settled(on, { 'http.hstsMaxAgeSec': 'env' }))).toBeUndefined();
    expect(tlsMeansHsts.check(settled({}))).toBeUndefined();
  });
});

describe('bufferHoldsMessage', () => {
  it('K-14 the hard limit is never under that of a message', () => {
    const found = bufferHoldsMessage.check(settled({ limits: { maxMessageBytes: 20_000_000 } }));
    expect(found?.change).toEqual({ limits: { maxBufferBytes: 20_000_000 } });
    expect(found?.warning).toContain('config_clamped param=limits.maxBufferBytes original=16777216 new=20000000');
    expect(bufferHoldsMessage.check(settled({ limits: { maxBufferBytes: 1_048_576 } }))).toBeUndefined();
  });
});

describe('idle timeouts', () => {
  it.each([
    ['wsIdleTimeoutMs', wsIdleTimeoutIsLong],
    ['tcpIdleTimeoutMs', tcpIdleTimeoutIsLong],
  ] as const)('K-15 %s is off, or 10 s at least', (property, rule) => {
    for (const ms of [0, 10_000, 300_000]) expect(rule.check(settled({ limits: { [property]: ms } }))).toBeUndefined();
    const found = rule.check(settled({ limits: { [property]: 9_999 } }));
    expect(found?.change).toEqual({ limits: { [property]: 10_000 } });
    expect(found?.warning).toContain(`param=limits.${property} original=9999 new=10000`);
  });
});
