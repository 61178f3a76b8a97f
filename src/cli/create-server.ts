import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { DynamicModule, INestApplicationContext, LoggerService, SecurityHeadersOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { describeApi } from '../admin/index.js';
import { GatehouseModule, servesHttp } from '../app.module.js';
import { LocalAdmin } from '../auth/index.js';
import { explainListenError, StartError, SystemClock } from '../common/index.js';
import { AppConfig, hostStateRoot, type ConfigSource } from '../config/index.js';
import { openState } from '../store/index.js';
import type { BrokenPlugin, Plugin } from '../tools/index.js';
import { attachGatehouse, needsHttp } from '../transport/index.js';
import { doorless } from './doorless.js';
import { urlOf } from './server-url.js';

/** A server that is up. */
export interface RunningServer {
  readonly app: INestApplicationContext;
  /** The HTTP door's server, where that door is open. */
  readonly http: Server | undefined;
  /** Plug-ins that Nest could not wire, and that are left out. */
  readonly broken: readonly BrokenPlugin[];
}

/** What a server is made of. */
export interface ServerParts {
  readonly config: AppConfig;
  /** Where the settings can be read again. */
  readonly source?: ConfigSource;
  readonly plugins: readonly Plugin[];
  /** Where the process logs. */
  readonly logger: LoggerService;
}

/**
 * Wires and starts the server. Plug-ins whose providers cannot be made are left out: only when the whole does not
 * start is each tried alone, to find which.
 * @throws StartError the server itself cannot start, or the tools that loaded have faults
 */
export async function createServer(parts: ServerParts): Promise<RunningServer> {
  const { config, plugins } = parts;
  try {
    return { ...(await listen(parts)), broken: [] };
  } catch (error) {
    if (error instanceof StartError || plugins.length === 0) throw error;
    const broken = await findBroken(config, plugins);
    if (broken.length === 0) throw error;
    const sound = plugins.filter(({ source }) => !broken.some((plugin) => plugin.source === source));
    return { ...(await listen({ ...parts, plugins: sound })), broken };
  }
}

async function listen({ config, source, plugins, logger }: ServerParts): Promise<Omit<RunningServer, 'broken'>> {
  const stateRoot = hostStateRoot();
  const state = await openState(config, new SystemClock(), stateRoot === undefined ? {} : { stateRoot });
  try {
    const server = await wire(config, GatehouseModule.forServer(config, plugins, state, source), logger);
    if (server.http && state.path !== undefined)
      await publishAccess(server.app, server.http, { config, folder: state.path });
    return server;
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function wire(
  config: AppConfig,
  module: DynamicModule,
  logger: LoggerService,
): Promise<Omit<RunningServer, 'broken'>> {
  const options = { abortOnError: false, logger };
  if (!servesHttp(config)) {
    return { app: await NestFactory.createApplicationContext(module, options), http: undefined };
  }
  // Express is loaded only where the HTTP door is opened: stdio starts without it.
  const { GatehouseExpressAdapter } = await import('./gatehouse-express.adapter.js');
  const app = await NestFactory.create<NestExpressApplication>(module, new GatehouseExpressAdapter(config), options);
  app.useBodyParser('json', { limit: config.limits.maxMessageBytes });
  if (config.http.securityHeaders) app.useSecurityHeaders(pageHeaders(config));
  await describeApi(app);
  try {
    attachGatehouse(app);
    // Health and metrics on ports of their own alone: the server listens nowhere.
    if (!needsHttp(config)) return { app: await app.init(), http: undefined };
    await app.listen(config.server.port, config.server.host);
  } catch (error) {
    await app.close();
    throw explainListenError(error, { host: config.server.host, port: config.server.port, setBy: '--port' });
  }
  return { app, http: app.getHttpServer() };
}

/**
 * What pages and REST answers carry besides (S2-39); the MCP endpoint has its own. HTTPS is asked for only where this
 * server or what stands before it speaks it: a page that is told to upgrade finds nothing otherwise.
 */
function pageHeaders({ http: { hstsMaxAgeSec }, tls, server }: AppConfig): SecurityHeadersOptions {
  const isHttps = tls.enabled || server.publicUrl?.startsWith('https:') === true;
  return {
    contentSecurityPolicy: {
      directives: { frameAncestors: ["'none'"], ...(isHttps ? {} : { upgradeInsecureRequests: null }) },
    },
    strictTransportSecurity: hstsMaxAgeSec > 0 ? { maxAge: hstsMaxAgeSec, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
  };
}

/** Lets the command line of this machine manage the server. */
async function publishAccess(
  app: INestApplicationContext,
  http: Server,
  { config, folder }: { readonly config: AppConfig; readonly folder: string },
): Promise<void> {
  const { address, port } = http.address() as AddressInfo;
  const { tls } = config;
  await app.get(LocalAdmin, { strict: false }).publish(folder, {
    url: urlOf(tls.enabled ? 'https' : 'http', address, port),
    ...(tls.enabled && { certificate: resolve(tls.cert) }),
  });
}

/** Starts each plug-in alone, without any door. Switches logging off: the server that is made next has its own. */
async function findBroken(config: AppConfig, plugins: readonly Plugin[]): Promise<readonly BrokenPlugin[]> {
  const broken: BrokenPlugin[] = [];
  for (const plugin of plugins) {
    const reason = await faultOf(await probe(config, plugin));
    if (reason !== undefined) broken.push({ source: plugin.source, reason });
  }
  return broken;
}

/** The server without its doors, its state and its audit file, and with one plug-in alone. */
async function probe(config: AppConfig, plugin: Plugin): Promise<DynamicModule> {
  const quiet = doorless(config);
  return GatehouseModule.forServer(quiet, [plugin], await openState(quiet, new SystemClock()));
}

async function faultOf(module: DynamicModule): Promise<string | undefined> {
  try {
    const app = await NestFactory.createApplicationContext(module, { abortOnError: false, logger: false });
    await app.close();
    return undefined;
  } catch (error) {
    // Faults of tools are told when all are known: they end the start.
    if (error instanceof StartError) return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}
