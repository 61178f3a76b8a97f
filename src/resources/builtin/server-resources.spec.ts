import { describe, expect, it } from '@jest/globals';
import { type CallContext, ServerFacts } from '../../tools/index.js';
import { SystemClock } from '../../common/index.js';
import { RESOURCE_METADATA } from '../resource.decorator.js';
import { ServerResources } from './server-resources.js';

class KnownFacts extends ServerFacts {
  override readonly name = 'calc';
  override readonly version = '1.0.0';
  override sessionCount = 2;
  override callCount = 7;

  override enabledTools({
    roles,
  }: CallContext['principal']): readonly { name: string; description: string | undefined }[] {
    const tools = [{ name: 'echo', description: 'Echo' }];
    return roles.includes('admin') ? [...tools, { name: 'run_command', description: undefined }] : tools;
  }

  override resourceCount({ roles }: CallContext['principal']): number {
    return roles.includes('admin') ? 3 : 2;
  }
}

const facts = new KnownFacts();
const resources = new ServerResources(facts, new SystemClock());

function contextOf(role: string): CallContext {
  const principal = { issuer: 'gatehouse', subject: 'test', roles: [role], isAuthenticated: true };
  return { principal } as unknown as CallContext;
}

function optionsOf(method: 'info' | 'stats'): unknown {
  return Reflect.getMetadata(RESOURCE_METADATA, Reflect.get(ServerResources.prototype, method));
}

describe('server://info', () => {
  it('S1-10 is listed as ever', () => {
    const expected = { uri: 'server://info', name: 'Server Information', mimeType: 'application/json' };
    expect(optionsOf('info')).toMatchObject(expected);
  });

  it('S1-11 tells name, version, counts and tools', () => {
    expect(resources.info('server://info', contextOf('admin'))).toEqual({
      server: 'calc',
      version: '1.0.0',
      tools_count: 2,
      resources_count: 3,
      enabled_tools: ['echo', 'run_command'],
    });
  });

  it('D-13 names nothing that the caller does not see', () => {
    const info = resources.info('server://info', contextOf('viewer'));
    expect(info).toMatchObject({ tools_count: 1, resources_count: 2, enabled_tools: ['echo'] });
  });
});

describe('server://stats', () => {
  it('S1-10 is listed as ever', () => {
    const expected = { uri: 'server://stats', name: 'System Statistics', mimeType: 'application/json' };
    expect(optionsOf('stats')).toMatchObject(expected);
  });

  it('S1-11 tells real figures', () => {
    const before = Date.now();
    const stats = resources.stats();
    const at = Date.parse(stats.timestamp);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
    expect(stats.uptime).toBeGreaterThan(0);
    expect(stats.uptime).toBeLessThanOrEqual(process.uptime());
    expect(stats.memory_usage.rss).toBeGreaterThan(1_000_000);
    expect(stats.memory_usage.heapUsed).toBeLessThanOrEqual(stats.memory_usage.heapTotal);
    expect([stats.sessions, stats.calls]).toEqual([2, 7]);
  });

  it('S1-11 follows the figures as they change', () => {
    facts.callCount += 1;
    expect(resources.stats().calls).toBe(facts.callCount);
  });
});
