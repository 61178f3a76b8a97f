import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Logger, type LoggerService, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemoryHttp } from '../../test/support/memory-http.js';
import { withoutThrottler } from '../../test/support/without-throttler.js';
import { GatehouseModule } from '../app.module.js';
import { StartError } from '../common/index.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { defineTool, type Plugin, Tool, ToolRegistry } from '../tools/index.js';
import { createServer, type RunningServer } from './create-server.js';

@Injectable()
class Sound {
  @Tool()
  sound(): string {
    return 'hm';
  }
}

@Injectable()
class NeedsNobody {
  constructor(readonly nobody: Sound) {}

  @Tool()
  lonely(): string {
    return 'alone';
  }
}

@Injectable()
class Throws implements OnModuleInit {
  onModuleInit(): void {
    throw new Error('no database');
  }
}

@Module({ providers: [Throws] })
class ThrowsModule {}

@Module({ providers: [Sound] })
class SoundModule {}

const plugin = (source: string, more: Partial<Plugin>): Plugin => ({
  source,
  modules: [],
  providers: [],
  tools: [],
  ...more,
});
const shout = defineTool({ name: 'shout', run: () => 'HI' });

/** Its module is CommonJS that requires Nest, which is ESM: Node can do that, jest cannot. E2e tests have it. */
const WITHOUT_PROMETHEUS = { prometheusEnabled: false };

withoutThrottler();

let server: RunningServer | undefined;
let warnings: unknown[];
let folder: string;
const quiet = (): LoggerService => ({
  log: () => undefined,
  error: (...args: unknown[]) => void warnings.push(args),
  warn: (...args: unknown[]) => void warnings.push(args),
});

beforeEach(async () => {
  warnings = [];
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-start-'));
});

afterEach(async () => {
  await server?.app.close();
  server = undefined;
  jest.restoreAllMocks();
  Logger.overrideLogger(undefined as never);
  await rm(folder, { recursive: true });
});

const start = async (plugins: readonly Plugin[], settings: ConfigOverrides = {}): Promise<RunningServer> =>
  (server = await createServer({
    config: AppConfig.of({ metrics: WITHOUT_PROMETHEUS, ...settings }),
    plugins,
    logger: quiet(),
  }));
const names = (): string[] => (server?.app.get(ToolRegistry, { strict: false }).all() ?? []).map(({ name }) => name);

describe('createServer', () => {
  it('S4-26 wires tools, providers and modules of plug-ins', async () => {
    const { broken, http } = await start([
      plugin('a.mjs', { tools: [shout] }),
      plugin('b.mjs', { providers: [Sound] }),
      plugin('c.mjs', { modules: [] }),
    ]);
    expect([broken, http]).toEqual([[], undefined]);
    expect(names()).toEqual(expect.arrayContaining(['echo', 'sound', 'shout']));
  });

  it('S4-28 leaves out plug-ins that cannot be wired, and says why', async () => {
    const { broken } = await start([
      plugin('good.mjs', { modules: [SoundModule] }),
      plugin('lonely.mjs', { providers: [NeedsNobody] }),
      plugin('throws.mjs', { modules: [ThrowsModule] }),
      plugin('tool.mjs', { tools: [shout] }),
    ]);
    expect(broken).toEqual([
      { source: 'lonely.mjs', reason: expect.stringContaining('resolve dependencies of the NeedsNobody') as unknown },
      { source: 'throws.mjs', reason: 'no database' },
    ]);
    expect(names()).toEqual(expect.arrayContaining(['sound', 'shout']));
    expect(names()).not.toContain('lonely');
  });

  it('K-24 does not start with tools that have faults', async () => {
    const starting = start([plugin('a.mjs', { tools: [{ ...shout, name: 'not a name' }] })]);
    await expect(starting).rejects.toBeInstanceOf(StartError);
    await expect(starting).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('a.mjs: "not a name"') as unknown,
    });
  });

  it('passes on what is wrong with the whole, and with no plug-in', async () => {
    const { HttpLane } = await import('../transport/http/http-lane.js');
    jest.spyOn(HttpLane.prototype, 'attach').mockImplementation(() => {
      throw new Error('a defect');
    });
    const settings = { server: { transports: ['http'] }, sessions: { stateDir: folder } } as const;
    await expect(start([], settings)).rejects.toThrow('a defect');
    await expect(start([plugin('a.mjs', { tools: [shout] })], settings)).rejects.toThrow('a defect');
    // The state folder was given back each time.
    jest.restoreAllMocks();
    listening();
    await expect(start([], settings)).resolves.toBeDefined();
  });
});

/** Lets servers listen nowhere. @param code of the error with which they fail */
function listening(code?: string): void {
  jest.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
    process.nextTick(() => {
      if (code) this.emit('error', Object.assign(new Error(`listen ${code}`), { code }));
      else {
        this.emit('listening');
        const done = args.at(-1);
        if (typeof done === 'function') (done as () => void)();
      }
    });
    return this;
  });
  if (!code)
    jest.spyOn(Server.prototype, 'address').mockReturnValue({ address: '127.0.0.1', family: 'IPv4', port: 8080 });
}

describe('createServer over HTTP', () => {
  const settings = (): ConfigOverrides => ({ server: { transports: ['http'] }, sessions: { stateDir: folder } });

  it('S4-1 serves the endpoint and the health of the process', async () => {
    listening();
    const { http } = await start([], settings());
    if (!http) throw new Error('There is no server');
    const client = new MemoryHttp(http);
    const clientInfo = { name: 'spec', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const answer = await client.ask({ body: { jsonrpc: '2.0', id: 1, method: 'initialize', params } });
    expect([answer.status, answer.headers['mcp-session-id'] !== undefined]).toEqual([200, true]);
    expect((await client.ask({ method: 'GET', path: '/health/live' })).status).toBe(200);
    expect((await client.ask({ method: 'GET', path: '/gone' })).status).toBe(404);
    expect(http.maxHeadersCount).toBeDefined();
  });

  it.each([
    [
      'EADDRINUSE',
      'Port 8080 on 127.0.0.1 is in use: find its holder with "ss -ltnp sport = :8080", or take another with --port.',
    ],
    ['EACCES', 'Port 8080 on 127.0.0.1 may not be opened by this user: take one above 1023 with --port.'],
    ['EADDRNOTAVAIL', '127.0.0.1 is no address of this machine: choose another with --host.'],
  ])('S2-33 S3-18 says what to do about %s', async (code, message) => {
    listening(code);
    await expect(start([], settings())).rejects.toMatchObject({ name: 'StartError', message });
    // The state folder was given back.
    jest.restoreAllMocks();
    listening();
    await start([], settings());
  });

  it('passes on any other fault of listening', async () => {
    listening('EMFILE');
    await expect(start([], settings())).rejects.toMatchObject({ code: 'EMFILE' });
  });
});

describe('a host application', () => {
  it('D-16 does not start unattached, and says so before Nest looks for a driver', async () => {
    const exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const app = await NestFactory.create(GatehouseModule.forRoot(), { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow(
      'GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().',
    );
    expect(exit).not.toHaveBeenCalled();
    await app.close();
  });
});
