import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Global, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { FakeClock } from '../../test/support/fake-clock.js';
import { Clock } from '../common/index.js';
import { AppConfig, ConfigModule } from '../config/index.js';
import { AuditLog, type AuditEntry } from './audit-log.js';
import { AuditModule } from './audit.module.js';
import { LoggerAuditLog } from './logger-audit-log.js';
import { SecurityLog } from './security-log.js';
import { StderrSecurityLog } from './stderr-security-log.js';

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

  it('writes what operators do, keeps no arguments, and lets every call run', () => {
    const log = new LoggerAuditLog(false);
    const action = { principal: 'iss/root', action: 'tool.disable', target: 'tool:t', outcome: 'success' } as const;
    log.recordAdmin(action);
    expect(lines).toEqual([{ level: 'log', context: 'Audit', message: action }]);
    expect([log.keep({ a: 1 }, undefined), log.isAvailable, log.status()]).toEqual([undefined, true, undefined]);
  });
});

@Global()
@Module({ providers: [{ provide: Clock, useClass: FakeClock }], exports: [Clock] })
class ClockModule {}

describe('AuditModule', () => {
  const compiled = (logging: Parameters<typeof AppConfig.of>[0]) =>
    Test.createTestingModule({
      imports: [ConfigModule.forRoot(AppConfig.of(logging)), ClockModule, AuditModule],
    }).compile();

  it('writes to the log unless a file is named', async () => {
    const app = await compiled({});
    expect(app.get(AuditLog)).toBeInstanceOf(LoggerAuditLog);
    expect(app.get(SecurityLog)).toBeInstanceOf(StderrSecurityLog);
    app.get(AuditLog).record(entry('success'));
    expect(lines.filter(({ context }) => context === 'Audit')).toEqual([]);
  });
});
