import { describe, expect, it } from '@jest/globals';
import type { HealthPriority, HealthStatus } from './health-indicators.js';
import { type Judged, priorityOf, summaryOf, verdictOf } from './verdict.js';

const checks = (priority: HealthPriority, ...statuses: HealthStatus[]): Judged[] =>
  statuses.map((status) => ({ priority, status }));

describe('verdictOf', () => {
  it.each<[string, Judged[], HealthStatus]>([
    ['nothing to look at', [], 'healthy'],
    ['CRITICAL unhealthy', checks('CRITICAL', 'healthy', 'unhealthy'), 'unhealthy'],
    ['CRITICAL degraded', checks('CRITICAL', 'degraded'), 'degraded'],
    ['HIGH unhealthy', checks('HIGH', 'unhealthy'), 'degraded'],
    ['HIGH degraded', checks('HIGH', 'healthy', 'degraded'), 'degraded'],
    [
      'half of MEDIUM and LOW',
      [...checks('MEDIUM', 'unhealthy', 'healthy'), ...checks('LOW', 'unhealthy', 'healthy')],
      'healthy',
    ],
    ['more than half of them', [...checks('MEDIUM', 'unhealthy', 'healthy'), ...checks('LOW', 'degraded')], 'degraded'],
    ['some of INFORMATIONAL', checks('INFORMATIONAL', 'unhealthy', 'healthy'), 'healthy'],
    ['all of INFORMATIONAL', checks('INFORMATIONAL', 'unhealthy', 'unhealthy'), 'degraded'],
    ['all of LOW, with CRITICAL well', [...checks('LOW', 'unhealthy'), ...checks('CRITICAL', 'healthy')], 'degraded'],
  ])('K-19 %s', (_what, judged, verdict) => {
    expect(verdictOf(judged)).toBe(verdict);
  });

  it('K-19 nothing below CRITICAL makes the whole unhealthy', () => {
    const others = (['HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL'] as const).flatMap((p) => checks(p, 'unhealthy'));
    expect(verdictOf(others)).toBe('degraded');
  });
});

describe('summaryOf', () => {
  it('S4-3 counts how many are how', () => {
    expect(summaryOf(checks('LOW', 'healthy', 'healthy', 'degraded', 'unhealthy'))).toEqual({
      total: 4,
      healthy: 2,
      degraded: 1,
      unhealthy: 1,
    });
  });
});

describe('priorityOf', () => {
  it('K-19 takes IMPORTANT for HIGH', () => {
    expect(priorityOf('IMPORTANT')).toBe('HIGH');
    expect(priorityOf('LOW')).toBe('LOW');
  });
});
