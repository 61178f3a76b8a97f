import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock.js';
import { Clock } from '../common/index.js';
import { AppConfig, ConfigModule } from '../config/index.js';
import { AuditLog, type AuditEntry } from './audit-log.js';
import { AuditModule } from './audit.module.js';
import { MetricsModule } from '../metrics/index.js';
import { MemoryMetricsRecorder } from '../metrics/metrics-recorder.js';
import { FileAuditLog } from './file-audit-log.js';
import { LoggerAuditLog } from './logger-audit-log.js';
import { LoggerSecurityLog, SecurityLog } from './security-log.js';

const levels = ['log', 'warn', 'error', 'debug', 'verbose', 'fatal'] as const;
type Level = (typeof levels)[number];
let lines: { readonly level: Level; readonly message: unknown; readonly context: unknown }[] = [];

beforeEach(() => {
  lines = [];
  for (const level of levels) {
    jest.spyOn(Logger.prototype, level).mockImplementation(function (this: Logger, message: unknown) {
      lines.push({ level, message, context: (this as unknown as { context: unknown }).context });
    });
  }
});

afterEach(() => {
  jest.restoreAllMocks();
});

const entry = (outcome: AuditEntry['outcome']): AuditEntry => ({
  requestId: 'req-1',
  door: 'stdio',
  principal: 'iss/sub',
  session: undefined,
  target: 'tool:echo',
  outcome,
  kind: outcome === 'success' ? undefined : 'timeout',
  durationMs: 1,
});

describe('LoggerSecurityLog', () => {
  it('S2-27 writes the line of the sample', () => {
    const log = new LoggerSecurityLog(new FakeClock(Date.UTC(2024, 0, 1)), new MemoryMetricsRecorder());
    log.emit('invalid_input', { ip: '192.168.1.1' });
    expect(lines).toEqual([
      {
        level: 'warn',
        context: 'Security',
        message: '[SECURITY] {"timestamp":"2024-01-01T00:00:00.000Z","event":"invalid_input","ip":"192.168.1.1"}',
      },
    ]);
  });

  it('S2-27 is one line of JSON after the prefix, whatever the details hold', () => {
    const log = new LoggerSecurityLog(new FakeClock(), new MemoryMetricsRecorder());
    const details = fc.dictionary(
      fc.constantFrom('ip', 'host', 'bytes'),
      fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.constant(undefined)),
    );
    fc.assert(
      fc.property(details, (given) => {
        lines = [];
        log.emit('host_rejected', given);
        const text = lines[0]?.message as string;
        expect(text).toMatch(/^\[SECURITY\] \{[^\r\n]*\}$/);
        const known = Object.entries(given).filter(([, value]) => value !== undefined);
        expect(JSON.parse(text.slice('[SECURITY] '.length))).toEqual({
          timestamp: '2026-01-01T00:00:00.000Z',
          event: 'host_rejected',
          ...Object.fromEntries(known),
        });
      }),
    );
  });

  it.each([
    ['session_limit', 'warn'],
    ['session_hijack_attempt', 'warn'],
    ['host_rejected', 'warn'],
    ['origin_rejected', 'warn'],
    ['rate_limit_exceeded', 'warn'],
    ['invalid_input', 'warn'],
    ['message_too_large', 'warn'],
    ['tool_denied', 'warn'],
    ['session_created', 'debug'],
    ['session_expired', 'debug'],
    ['requests_cancelled', 'debug'],
    ['server_shutdown', 'debug'],
  ] as const)('6.1 writes %s at level %s', (event, level) => {
    new LoggerSecurityLog(new FakeClock(), new MemoryMetricsRecorder()).emit(event, {});
    expect(lines.map((line) => line.level)).toEqual([level]);
  });
});

describe('LoggerAuditLog', () => {
  it('writes what did not succeed, and the rest where the level is debug', () => {
    const quiet = new LoggerAuditLog(false);
    quiet.record(entry('success'));
    quiet.record(entry('timeout'));
    quiet.record(entry('refused'));
    expect(lines).toEqual([
      { level: 'log', context: 'Audit', message: entry('timeout') },
      { level: 'log', context: 'Audit', message: entry('refused') },
    ]);
    new LoggerAuditLog(true).record(entry('success'));
    expect(lines.at(-1)).toEqual({ level: 'debug', context: 'Audit', message: entry('success') });
  });
});

@Global()
@Module({ providers: [{ provide: Clock, useClass: FakeClock }], exports: [Clock] })
class ClockModule {}

describe('AuditModule', () => {
  const compiled = (logging: Parameters<typeof AppConfig.of>[0]) =>
    Test.createTestingModule({
      imports: [ConfigModule.forRoot(AppConfig.of(logging)), ClockModule, MetricsModule, AuditModule],
    }).compile();

  it('writes to the log unless a file is named', async () => {
    const app = await compiled({});
    expect(app.get(AuditLog)).toBeInstanceOf(LoggerAuditLog);
    expect(app.get(SecurityLog)).toBeInstanceOf(LoggerSecurityLog);
    app.get(AuditLog).record(entry('success'));
    expect(lines.filter(({ context }) => context === 'Audit')).toEqual([]);
  });

  it('writes to the file that is named, and closes it with the application', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-audit-'));
    const app = await (await compiled({ logging: { auditFile: join(folder, 'audit.jsonl') } })).init();
    const log = app.get(AuditLog);
    expect(log).toBeInstanceOf(FileAuditLog);
    const ended = jest.spyOn(log as FileAuditLog, 'onApplicationShutdown');
    await app.close();
    expect(ended).toHaveBeenCalledTimes(1);
    await rm(folder, { recursive: true });
  });
});
