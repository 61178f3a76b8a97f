import { describe, expect, it } from '@jest/globals';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { insecureSettings } from './insecure-settings.js';

/** Settings of a server that does all that is recommended, and that others can reach. */
const SOUND: ConfigOverrides = {
  server: { transports: ['http'], host: '10.0.0.1', allowUnauthenticated: true, anonymousRole: 'viewer' },
  tls: { enabled: true },
  audit: { file: '/var/log/audit.jsonl' },
};

interface Where {
  readonly isAuthRequired?: boolean;
  readonly nodeEnv?: string;
}

function missed(more: ConfigOverrides, { isAuthRequired = true, nodeEnv }: Where = {}): readonly string[] {
  const groups = new Set([...Object.keys(SOUND), ...Object.keys(more)]) as Set<'server' | 'tls' | 'audit'>;
  const settings = Object.fromEntries([...groups].map((group) => [group, { ...SOUND[group], ...more[group] }]));
  const exposure = { config: AppConfig.of(settings), isAuthRequired, nodeEnv };
  return insecureSettings(exposure).map(({ setting }) => setting);
}

describe('S2-38 insecureSettings', () => {
  it('has nothing to say of a server that does all that is recommended', () => {
    expect(missed({})).toEqual([]);
  });

  it.each<[string, ConfigOverrides, Where]>([
    ['MCP_AUTH_ENABLED', {}, { isAuthRequired: false }],
    ['MCP_TLS_CERT', { tls: { enabled: false } }, {}],
    ['MCP_SERVER_HOST', { server: { host: '0.0.0.0' } }, {}],
    ['MCP_SERVER_HOST', { server: { host: '::' } }, {}],
    ['MCP_RATE_LIMIT_ENABLED', { rate: { enabled: false } }, {}],
    ['MCP_SECURITY_HEADERS', { http: { securityHeaders: false } }, {}],
    ['MCP_EXPOSE_TOOL_ERRORS', { tools: { exposeErrors: true } }, {}],
  ])('recommends another %s for %j', (setting, more, where) => {
    expect(missed(more, where)).toEqual([setting]);
  });

  it('leaves the level of the log to whoever sets it: security events are written at any', () => {
    expect(missed({ logging: { level: 'fatal' } })).toEqual([]);
  });

  it('recommends an audit file where there is none', () => {
    const config = AppConfig.of({ ...SOUND, audit: {} });
    expect(insecureSettings({ config, isAuthRequired: true, nodeEnv: undefined })).toEqual([
      { setting: 'MCP_AUDIT_FILE', advice: expect.stringContaining('No audit file is set') },
    ]);
  });

  it('recommends no admin for everyone, where nobody has to say who they are', () => {
    const admin: ConfigOverrides = { server: { anonymousRole: 'admin' } };
    expect(missed(admin, { isAuthRequired: false })).toEqual(['MCP_AUTH_ENABLED', 'MCP_ANONYMOUS_ROLE']);
    expect(missed(admin)).toEqual([]);
  });

  it('takes the TLS of a proxy for TLS', () => {
    const proxied: ConfigOverrides = { tls: { enabled: false }, server: { publicUrl: 'https://mcp.example.com' } };
    expect(missed(proxied)).toEqual([]);
    expect(missed({ ...proxied, server: { publicUrl: 'http://mcp.example.com' } })).toEqual(['MCP_TLS_CERT']);
  });

  it('looks where others can come by, or where the process is in production', () => {
    const careless: ConfigOverrides = { rate: { enabled: false }, server: { host: '127.0.0.1' } };
    expect(missed(careless)).toEqual([]);
    expect(missed(careless, { nodeEnv: 'production' })).toEqual(['MCP_RATE_LIMIT_ENABLED']);
    expect(missed({ ...careless, server: { transports: ['stdio'] } }, { nodeEnv: 'production' })).toEqual([]);
  });
});
