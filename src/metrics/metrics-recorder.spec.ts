import { describe, expect, it } from '@jest/globals';
import { MemoryMetricsRecorder } from './metrics-recorder.js';

describe('MemoryMetricsRecorder', () => {
  it('counts calls by how they ended, what runs, and their time', () => {
    const metrics = new MemoryMetricsRecorder();
    const echo = metrics.meter('tool', 'echo');
    for (let i = 0; i < 3; i++) echo.started();
    echo.finished('success', 2.5);
    echo.finished('timeout', 10);
    expect(metrics.calls().get('tool:echo')).toMatchObject({
      executions: 2,
      active: 1,
      totalMs: 12.5,
      byStatus: { success: 1, failure: 0, timeout: 1, cancelled: 0, refused: 0 },
    });
  });

  it('gives one meter for one target, and tells kinds apart', () => {
    const metrics = new MemoryMetricsRecorder();
    expect(metrics.meter('tool', 'echo')).toBe(metrics.meter('tool', 'echo'));
    metrics.meter('prompt', 'echo').started();
    expect(metrics.calls().get('tool:echo')?.active).toBe(0);
    expect([...metrics.calls().keys()]).toEqual(['tool:echo', 'prompt:echo']);
  });
});
