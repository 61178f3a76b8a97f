import { describe, expect, it } from '@jest/globals';
import { type CallStatus } from './call-figures.js';
import { Instruments, type Sample } from './instruments.js';
import { MemoryMetricsRecorder } from './metrics-recorder.js';

function world() {
  const instruments = new Instruments();
  const metrics = new MemoryMetricsRecorder(instruments);
  const samples = (name: string): readonly Sample[] => {
    const family = instruments.families.find((candidate) => candidate.name === name);
    if (!family) throw new Error(`There is no ${name}`);
    return family.samples();
  };
  const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
    samples(name).find((sample) => JSON.stringify(sample.labels) === JSON.stringify(labels))?.value;
  return { instruments, metrics, samples, value };
}

describe('MemoryMetricsRecorder', () => {
  it('counts calls by how they ended, what runs, and their time', () => {
    const { metrics } = world();
    const echo = metrics.meter('tool', 'echo');
    for (let i = 0; i < 3; i++) echo.started();
    echo.finished('success', 2.5);
    echo.finished('timeout', 10, 'timeout');
    expect(metrics.calls().get('tool:echo')).toMatchObject({
      executions: 2,
      active: 1,
      totalMs: 12.5,
      byStatus: { success: 1, failure: 0, timeout: 1, cancelled: 0, refused: 0 },
    });
  });

  it('gives one meter for one target, and tells kinds apart', () => {
    const { metrics } = world();
    expect(metrics.meter('tool', 'echo')).toBe(metrics.meter('tool', 'echo'));
    metrics.meter('prompt', 'echo').started();
    expect(metrics.calls().get('tool:echo')?.active).toBe(0);
    expect([...metrics.calls().keys()]).toEqual(['tool:echo', 'prompt:echo']);
  });

  it('S4-43 K-21 names executions by status, and says of a failure which', () => {
    const { metrics, samples, value } = world();
    const nmap = metrics.meter('tool', 'nmap');
    const end = (status: CallStatus, kind?: Parameters<typeof nmap.finished>[2]): void => {
      nmap.started();
      nmap.finished(status, 1, kind);
    };
    end('success');
    end('success');
    end('failure', 'tool_failed');
    end('failure', 'internal');
    end('failure', 'invalid_result');
    end('timeout', 'timeout');
    end('cancelled', 'cancelled');
    end('refused', 'rate_limited');
    end('waiting', 'input_required');
    expect(samples('mcp_tool_execution_total')).toEqual([
      { labels: { tool: 'nmap', status: 'success' }, value: 2 },
      { labels: { tool: 'nmap', status: 'failure', error_type: 'execution_error' }, value: 1 },
      { labels: { tool: 'nmap', status: 'timeout', error_type: 'timeout' }, value: 1 },
      { labels: { tool: 'nmap', status: 'failure', error_type: 'unknown' }, value: 2 },
      { labels: { tool: 'nmap', status: 'failure', error_type: 'cancelled' }, value: 1 },
    ]);
    expect(value('mcp_tool_timeouts_total', { tool: 'nmap' })).toBe(1);
    expect(value('mcp_tool_active_executions', { tool: 'nmap' })).toBe(0);
    expect(value('mcp_refusals_total', { kind: 'rate_limited' })).toBe(1);
  });

  it('S4-43 shows durations in seconds, as a histogram of what was executed', () => {
    const { metrics, samples } = world();
    const nmap = metrics.meter('tool', 'nmap');
    for (const ms of [0.5, 1, 700, 700_000]) nmap.finished('success', ms);
    nmap.finished('refused', 3, 'rate_limited');
    const parts = samples('mcp_tool_execution_duration_seconds');
    const bucket = (le: string): number | undefined => parts.find(({ labels }) => labels['le'] === le)?.value;
    expect([bucket('0.001'), bucket('0.5'), bucket('1'), bucket('600'), bucket('+Inf')]).toEqual([2, 2, 3, 3, 4]);
    expect(parts.slice(-2)).toEqual([
      { suffix: '_sum', labels: { tool: 'nmap' }, value: 700.7015 },
      { suffix: '_count', labels: { tool: 'nmap' }, value: 4 },
    ]);
  });

  it('S4-44 lets no duration in that is none', () => {
    const { metrics } = world();
    const nmap = metrics.meter('tool', 'nmap');
    for (const ms of [Number.NaN, -5, Number.POSITIVE_INFINITY]) nmap.finished('success', ms);
    const { totalMs, durations } = metrics.calls().get('tool:nmap') ?? {};
    expect([totalMs, durations?.sumMs, durations?.maxMs, durations?.quantileMs(0.99)]).toEqual([0, 0, 0, 0]);
  });

  it('counts messages and connections by door, and refusals of messages beside those of calls', () => {
    const { metrics, value } = world();
    metrics.messages('http').add();
    metrics.messages('http').add();
    metrics.connections('websocket').add();
    metrics.connections('websocket').add();
    metrics.refused('rate_limited');
    metrics.meter('tool', 'nmap').finished('refused', 0, 'rate_limited');
    expect(value('mcp_messages_total', { door: 'http' })).toBe(2);
    expect(value('mcp_connections_total', { door: 'websocket' })).toBe(2);
    expect(value('mcp_refusals_total', { kind: 'rate_limited' })).toBe(2);
  });

  it('6.1 counts security events, of doors alone: what a caller names is no label', () => {
    const { metrics, samples } = world();
    metrics.securityEvent('invalid_auth', 'tcp');
    metrics.securityEvent('invalid_auth', 'tcp');
    metrics.securityEvent('invalid_auth', 'carrier-pigeon');
    expect(samples('mcp_security_events_total')).toEqual([
      { labels: { event: 'invalid_auth', transport: 'tcp' }, value: 2 },
      { labels: { event: 'invalid_auth', transport: 'none' }, value: 1 },
    ]);
  });
});
