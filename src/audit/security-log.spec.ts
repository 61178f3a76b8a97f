import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock.js';
import { stderrLines } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { AppendFile } from './append-file.js';
import { type SecurityEvent, type SecurityNotice, severityOf } from './security-log.js';
import { StderrSecurityLog } from './stderr-security-log.js';

let folder: string;
let clock: FakeClock;
let lines: string[];
const open: StderrSecurityLog[] = [];

function logOf(settings: Parameters<typeof AppConfig.of>[0] = {}): StderrSecurityLog {
  const log = new StderrSecurityLog(AppConfig.of(settings), clock);
  open.push(log);
  return log;
}

const factsOf = (line = ''): Record<string, unknown> =>
  JSON.parse(line.slice('[SECURITY] '.length)) as Record<string, unknown>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-security-'));
  clock = new FakeClock(Date.UTC(2024, 0, 1));
  lines = [];
  jest.spyOn(stderrLines(), 'write').mockImplementation((line) => (lines.push(line), true));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((log) => log.onApplicationShutdown()));
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe('StderrSecurityLog', () => {
  it('S2-27 writes the line of the sample, exactly', () => {
    logOf().emit('invalid_auth', { ip: '192.168.1.1' });
    expect(lines).toEqual([
      '[SECURITY] {"timestamp":"2024-01-01T00:00:00.000Z","event":"invalid_auth","ip":"192.168.1.1"}\n',
    ]);
  });

  it.each(['fatal', 'debug'] as const)('K-33 writes every event, warnings and others, at level %s', (level) => {
    const log = logOf({ logging: { level, format: 'text' } });
    log.emit('invalid_auth', {});
    log.emit('session_created', {});
    expect(lines.map((line) => factsOf(line)['event'])).toEqual(['invalid_auth', 'session_created']);
  });

  it('S2-27 W-38 is one line of JSON after the prefix, whatever the details hold', () => {
    const details = fc.dictionary(
      fc.constantFrom('ip', 'host', 'bytes'),
      fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.integer(), fc.constant(undefined)),
    );
    fc.assert(
      fc.property(details, (given) => {
        lines = [];
        clock.advance(1_000);
        logOf().emit('host_rejected', given);
        // eslint-disable-next-line no-control-regex
        expect(lines[0]).toMatch(/^\[SECURITY\] \{[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\}\n$/);
        const { timestamp, event, ...rest } = factsOf(lines[0]);
        expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(event).toBe('host_rejected');
        const known = Object.entries(given).filter(([, value]) => value !== undefined);
        expect(rest).toEqual(Object.fromEntries(known));
      }),
    );
  });

  it('6.1 shows no credential that came from outside, and no long text', () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
    logOf().emit('invalid_auth', { reason: `Bearer abcdefgh1234 and ${jwt}`, host: 'x'.repeat(2_000) });
    expect(lines[0]).not.toMatch(/abcdefgh1234|eyJ|c2lnbmF0dXJl/);
    expect(factsOf(lines[0])).toMatchObject({
      reason: 'Bearer ***REDACTED*** and ***REDACTED***',
      host: `${'x'.repeat(500)}…`,
    });
  });

  it.each([
    ['connection_limit', 'tcp', 'tcp_connection_limit'],
    ['invalid_auth', 'tcp', 'tcp_auth_failed'],
    ['websocket_error', 'tcp', 'tcp_client_error'],
    ['message_too_large', 'tcp', 'message_too_large'],
    ['invalid_auth', 'websocket', 'invalid_auth'],
  ] as const)('S2-28 calls %s on %s by the name %s', (event, transport, name) => {
    logOf().emit(event, { transport });
    expect(factsOf(lines[0])).toMatchObject({ event: name, transport });
  });

  it('writes 100 lines of one event in a second, and then how many it left out', async () => {
    const log = logOf();
    for (let i = 0; i < 350; i++) log.emit('rate_limit_exceeded', { principal: `p${i}` });
    for (let i = 0; i < 120; i++) log.emit('invalid_auth', { transport: 'tcp' });
    log.emit('session_created', {});
    expect(lines).toHaveLength(201);
    clock.advance(1_000);
    log.emit('rate_limit_exceeded', { principal: 'later' });
    expect(lines.slice(201).map(factsOf)).toEqual([
      { timestamp: '2024-01-01T00:00:01.000Z', event: 'rate_limit_exceeded', omitted: 250, periodMs: 1_000 },
      { timestamp: '2024-01-01T00:00:01.000Z', event: 'tcp_auth_failed', omitted: 20, periodMs: 1_000 },
      { timestamp: '2024-01-01T00:00:01.000Z', event: 'rate_limit_exceeded', principal: 'later' },
    ]);
    for (let i = 0; i < 105; i++) log.emit('invalid_input', {});
    await log.onApplicationShutdown();
    expect(factsOf(lines.at(-1))).toMatchObject({ event: 'invalid_input', omitted: 5 });
  });

  it('says what it left out also when nothing more comes', () => {
    jest.useFakeTimers();
    const log = logOf();
    for (let i = 0; i < 101; i++) log.emit('invalid_auth', {});
    clock.advance(1_000);
    jest.advanceTimersByTime(1_000);
    expect(factsOf(lines.at(-1))).toMatchObject({ omitted: 1 });
    jest.useRealTimers();
  });

  it('S2-28 tells whoever listens of each event, also of those that are left out', () => {
    const log = logOf();
    const heard: SecurityNotice[] = [];
    const stop = log.onEvent((notice) => heard.push(notice));
    for (let i = 0; i < 150; i++) log.emit('invalid_auth', { transport: 'tcp' });
    log.emit('session_created', {});
    stop();
    log.emit('session_created', {});
    expect(heard).toHaveLength(151);
    expect(heard.at(0)).toEqual({
      event: 'invalid_auth',
      severity: 'warn',
      details: { transport: 'tcp' },
      at: clock.now(),
    });
    expect(heard.at(-1)?.severity).toBe('info');
  });

  it('K-33 writes to a file of its own too, for its owner only', async () => {
    const path = join(folder, 'security.log');
    const log = logOf({ logging: { securityFile: path } });
    for (const ip of ['192.0.2.1', '192.0.2.2']) log.emit('invalid_auth', { ip });
    await log.onApplicationShutdown();
    expect(await readFile(path, 'utf8')).toBe(lines.join(''));
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
});

describe('6.1 severity', () => {
  it.each<[SecurityEvent, 'warn' | 'info']>([
    ['session_limit', 'warn'],
    ['session_hijack_attempt', 'warn'],
    ['host_rejected', 'warn'],
    ['origin_rejected', 'warn'],
    ['rate_limit_exceeded', 'warn'],
    ['invalid_input', 'warn'],
    ['message_too_large', 'warn'],
    ['tool_denied', 'warn'],
    ['ip_blocked', 'warn'],
    ['invalid_auth', 'warn'],
    ['session_created', 'info'],
    ['session_expired', 'info'],
    ['requests_cancelled', 'info'],
    ['server_shutdown', 'info'],
    ['auth_success', 'info'],
    ['config_reloaded', 'info'],
  ])('of %s is %s', (event, severity) => {
    expect(severityOf(event)).toBe(severity);
  });
});

describe('AppendFile', () => {
  const fileOf = (maxBytes: number, backupCount: number): [AppendFile, string] => {
    const path = join(folder, 'lines.log');
    return [new AppendFile({ path, maxBytes, backupCount }), path];
  };
  const written = async (file: AppendFile, ...texts: string[]): Promise<void> => {
    for (const text of texts) {
      file.write(text);
      await file.flush();
    }
  };

  it('rotates by size, and keeps so many files', async () => {
    const [file, path] = fileOf(10, 2);
    await written(file, '11111\n', '22222\n', '33333\n', '44444\n');
    expect((await readdir(folder)).sort()).toEqual(['lines.log', 'lines.log.1', 'lines.log.2']);
    const texts = await Promise.all([path, `${path}.1`, `${path}.2`].map((name) => readFile(name, 'utf8')));
    expect(texts).toEqual(['44444\n', '33333\n', '22222\n']);
  });

  it('keeps none where it is told so', async () => {
    const [file, path] = fileOf(10, 0);
    await written(file, '11111\n', '22222\n');
    expect([await readdir(folder), await readFile(path, 'utf8')]).toEqual([['lines.log'], '22222\n']);
  });

  it('goes on by itself when the file can be written again, and complains once', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const path = join(folder, 'later', 'lines.log');
    const file = new AppendFile({ path, maxBytes: 1_000, backupCount: 1 });
    await writeFile(join(folder, 'later'), 'in the way');
    await written(file, 'a\n', 'b\n');
    expect(error).toHaveBeenCalledTimes(1);
    await rm(join(folder, 'later'));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(folder, 'later'));
    await written(file, 'c\n');
    expect(await readFile(path, 'utf8')).toBe('c\n');
  });
});
