import { describe, expect, it } from '@jest/globals';
import { CustomCounters } from '../custom-counters.js';
import { Instruments } from '../instruments.js';
import { MemoryMetricsRecorder } from '../metrics-recorder.js';
import { PrometheusExport } from './prometheus-export.js';

describe('PrometheusExport', () => {
  it('S4-8 shows every family with its help and type, beside the defaults of the process', async () => {
    const instruments = new Instruments();
    const metrics = new MemoryMetricsRecorder(instruments);
    const tool = metrics.meter('tool', 'we"ird\n');
    tool.started();
    tool.finished('success', 30);
    const text = await new PrometheusExport(instruments).text();
    const lines = text.split('\n');
    expect(lines).toContain('# TYPE mcp_tool_execution_total counter');
    expect(lines).toContain('mcp_tool_execution_total{tool="we\\"ird\\n",status="success"} 1');
    expect(lines).toContain('# TYPE mcp_tool_execution_duration_seconds histogram');
    expect(lines).toContain('mcp_tool_execution_duration_seconds_bucket{tool="we\\"ird\\n",le="0.05"} 1');
    expect(lines).toContain('mcp_tool_execution_duration_seconds_sum{tool="we\\"ird\\n"} 0.03');
    expect(lines).toContain('# TYPE nodejs_eventloop_lag_seconds gauge');
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  it('reads the figures anew each time, and takes in what was registered since', async () => {
    const instruments = new Instruments();
    const metrics = new MemoryMetricsRecorder(instruments);
    const shown = new PrometheusExport(instruments);
    metrics.messages('tcp').add();
    expect(await shown.text()).toContain('mcp_messages_total{door="tcp"} 1');
    metrics.messages('tcp').add();
    new CustomCounters(instruments).register({ name: 'late_total', help: 'Late.' }).add();
    const text = await shown.text();
    expect(text).toContain('mcp_messages_total{door="tcp"} 2');
    expect(text).toContain('late_total 1');
  });

  it('S4-44 shows nothing that is no number', async () => {
    const instruments = new Instruments();
    instruments.gauge({ name: 'odd', help: 'Odd.', labels: ['n'] }, () =>
      [Number.NaN, Infinity, -1, 2].map((value) => ({ labels: { n: String(value) }, value })),
    );
    instruments.total({ name: 'odd_total', help: 'Odd.' }, () => [{ labels: {}, value: -1 }]);
    const text = await new PrometheusExport(instruments).text();
    expect(text.split('\n').filter((line) => line.startsWith('odd'))).toEqual(['odd{n="-1"} -1', 'odd{n="2"} 2']);
  });

  it('two servers in one process keep their figures apart', async () => {
    const [one, other] = [new Instruments(), new Instruments()];
    new MemoryMetricsRecorder(one).messages('http').add();
    new MemoryMetricsRecorder(other);
    expect(await new PrometheusExport(other).text()).not.toContain('mcp_messages_total{');
    expect(await new PrometheusExport(one).text()).toContain('mcp_messages_total{door="http"} 1');
  });
});
