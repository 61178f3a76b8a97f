import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { RecordingAuditLog, ToolWorld } from '../../../test/support/tool-world.js';
import type { AuditStatus } from '../../audit/index.js';
import { AppConfig } from '../../config/index.js';
import type { SystemSample, SystemSampler } from '../../metrics/index.js';
import { MemoryDurableStore } from '../../store/memory/memory-durable-store.js';
import type { HealthFinding, HealthIndicator } from '../health-indicators.js';
import { AuditIndicator } from './audit.indicator.js';
import { DependencyIndicators } from './dependency.indicators.js';
import { ProcessIndicator } from './process.indicator.js';
import { StoreIndicator } from './store.indicator.js';
import { SystemIndicator } from './system.indicator.js';
import { ToolIndicators } from './tool.indicators.js';

const NEVER = new AbortController().signal;
const samplerOf = (sample: Partial<SystemSample>): SystemSampler =>
  ({
    latest: () =>
      Promise.resolve({
        cpuPercent: 1,
        memoryPercent: 2,
        diskPercent: 3,
        memoryLimitBytes: 4,
        loopLagMs: 5,
        ...sample,
      }),
  }) as unknown as SystemSampler;

describe('SystemIndicator', () => {
  const check = (sample: Partial<SystemSample>): Promise<HealthFinding> =>
    new SystemIndicator(samplerOf(sample), AppConfig.of()).check();

  it('S4-41 is healthy up to 80 % of each', async () => {
    expect(await check({ cpuPercent: 80, memoryPercent: 80, diskPercent: 80 })).toEqual({
      status: 'healthy',
      details: { cpu_percent: 80, memory_percent: 80, disk_percent: 80 },
    });
  });

  it('W-35 pressure degrades, and never more, saying what is short', async () => {
    expect(await check({ cpuPercent: 100, diskPercent: 91.23 })).toMatchObject({
      status: 'degraded',
      message: 'cpu at 100 %, over 80 %; disk at 91.2 %, over 80 %',
    });
  });

  it('says nothing of a disk that cannot be asked', async () => {
    expect((await check({ diskPercent: undefined })).details).toEqual({ cpu_percent: 1, memory_percent: 2 });
  });
});

describe('AuditIndicator', () => {
  class FileLog extends RecordingAuditLog {
    isWritable = true;

    override status(): AuditStatus {
      return { isWritable: this.isWritable, waiting: 0, lost: 2, head: undefined };
    }
  }

  it('looks at nothing where there is no file', () => {
    expect(new AuditIndicator(new RecordingAuditLog()).list()).toEqual([]);
  });

  it('is unhealthy while the file cannot be written, and says what becomes of calls', async () => {
    const log = new FileLog();
    const [indicator] = new AuditIndicator(log).list();
    const check = async (): Promise<unknown> => indicator?.check(NEVER);
    expect(await check()).toEqual({ status: 'healthy', details: { lostRecords: 2 } });
    log.isWritable = false;
    expect(await check()).toMatchObject({ status: 'unhealthy', message: expect.stringMatching(/records wait$/) });
    log.available = false;
    expect(await check()).toMatchObject({ message: expect.stringMatching(/calls are refused$/) });
  });
});

describe('ProcessIndicator', () => {
  it('S4-41 degrades when the event loop does not keep up', async () => {
    expect((await new ProcessIndicator(samplerOf({})).check()).status).toBe('healthy');
    expect(await new ProcessIndicator(samplerOf({ loopLagMs: 501 })).check()).toMatchObject({
      status: 'degraded',
      message: 'The event loop is 501 ms late',
    });
  });
});

describe('StoreIndicator', () => {
  const clock = new FakeClock();

  it('D-23 writes, and looks whether it is there', async () => {
    const store = new MemoryDurableStore(clock);
    expect(await new StoreIndicator(store, clock).check()).toEqual({ status: 'healthy' });
    expect(await store.get('health', 'probe')).toBe(clock.now());
    store.has = () => Promise.resolve(false);
    expect((await new StoreIndicator(store, clock).check()).status).toBe('unhealthy');
  });
});

describe('ToolIndicators', () => {
  const world = new ToolWorld();
  const list = (): readonly HealthIndicator[] => new ToolIndicators(world.registry, world.clock).list();
  const check = async (name: string): Promise<HealthFinding | undefined> =>
    list()
      .find((indicator) => indicator.name === name)
      ?.check(NEVER);

  world.add({ name: 'shell', programs: ['sh'] }, () => 'ok');
  world.add({ name: 'scan', programs: ['no-such-program', 'sh'] }, () => 'ok');
  world.add({ name: 'fails' }, () => {
    throw new Error('defect');
  });
  world.add({ name: 'off', programs: ['gone'], enabled: false }, () => 'ok');

  it('S4-41 a missing program makes its tool unhealthy, and is named', async () => {
    expect((await check('tool_shell'))?.status).toBe('healthy');
    const missing = { status: 'unhealthy', message: 'Not installed: no-such-program' };
    expect(await check('tool_scan')).toMatchObject(missing);
    expect(await check('tools')).toEqual({ ...missing, details: { programs: 2, missing: ['no-such-program'] } });
  });

  it('S4-41 an open breaker degrades its tool, until its trial went well', async () => {
    for (let i = 0; i < 5; i++) await world.call({}, undefined, 'fails');
    expect(await check('tool_fails')).toMatchObject({ status: 'degraded', message: 'Its circuit breaker is open' });
    world.pass(60_000);
    expect((await check('tool_fails'))?.message).toBe('Its circuit breaker is half open');
  });

  it('looks at no tool that is switched off', () => {
    expect(list().map(({ name }) => name)).toEqual(['tools', 'tool_shell', 'tool_scan', 'tool_fails']);
  });
});

describe('DependencyIndicators', () => {
  let server: Server;
  let port: number;

  beforeEach(async () => {
    server = createServer((req, res) => res.writeHead(Number(req.url?.slice(1))).end('x'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const check = async (dependency: string): Promise<HealthFinding> => {
    const [indicator] = new DependencyIndicators(AppConfig.of({ health: { dependencies: [dependency] } })).list();
    expect(indicator?.name).toBe(`dependency_${dependency}`);
    return (indicator as HealthIndicator).check(NEVER);
  };

  it.each([200, 302, 404])('S4-41 a URL that answers %d is there', async (status) => {
    expect((await check(`http://127.0.0.1:${port}/${status}`)).status).toBe('healthy');
  });

  it('S4-41 one that answers with a fault of its own is not', async () => {
    expect(await check(`http://127.0.0.1:${port}/503`)).toMatchObject({
      status: 'unhealthy',
      message: 'It answers 503',
    });
  });

  it('S4-41 a port accepts, or the check fails', async () => {
    expect((await check(`127.0.0.1:${port}`)).status).toBe('healthy');
    server.close();
    await expect(check(`127.0.0.1:${port}`)).rejects.toThrow('ECONNREFUSED');
  });

  it('S4-41 a program is on the PATH of tools, or not', async () => {
    expect((await check('sh')).status).toBe('healthy');
    expect((await check('no-such-program')).status).toBe('unhealthy');
  });
});
