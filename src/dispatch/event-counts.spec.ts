import { expect, it } from '@jest/globals';
import { type SecurityDetails, type SecurityEvent, SecurityLog } from '../audit/index.js';
import { Instruments } from '../metrics/instruments.js';
import { MemoryMetricsRecorder } from '../metrics/metrics-recorder.js';
import { EventCounts } from './event-counts.js';

/** Tells whoever listens, and writes nothing. */
class ToldLog extends SecurityLog {
  override emit(event: SecurityEvent, details: SecurityDetails): void {
    this.tell(event, details, 0);
  }
}

it('S2-28 counts each event by its name and door, until the end', () => {
  const instruments = new Instruments();
  const security = new ToldLog();
  const counts = new EventCounts(security, new MemoryMetricsRecorder(instruments));
  security.emit('invalid_auth', { transport: 'tcp' });
  security.emit('invalid_auth', { transport: 'tcp' });
  security.emit('config_reloaded', {});
  counts.onApplicationShutdown();
  security.emit('config_reloaded', {});
  const family = instruments.families.find(({ name }) => name === 'mcp_security_events_total');
  expect(family?.samples()).toEqual([
    { labels: { event: 'invalid_auth', transport: 'tcp' }, value: 2 },
    { labels: { event: 'config_reloaded', transport: 'none' }, value: 1 },
  ]);
});
