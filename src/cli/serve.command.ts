import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Authenticator } from '../auth/index.js';
import { EXIT } from '../common/index.js';
import type { AppConfig } from '../config/index.js';
import { ConfigReload, type ConfigSource, hostEnvironment, PlacedConfig, renderFlagHelp } from '../config/index.js';
import { loadPlugins, ToolRegistry } from '../tools/index.js';
import { claimStdout, StdioTransport, TcpListener, TlsContexts } from '../transport/index.js';
import { banner } from './banner.js';
import { createServer, type RunningServer } from './create-server.js';
import { insecureSettings } from './insecure-settings.js';
import type { Invocation } from './invocation.js';
import { StderrLogger } from './stderr-logger.js';
import { Stopper, traceOf } from './stopper.js';

/** `gatehouse serve`: runs the server until it is told to stop, or its stdio client leaves. */
export async function serve({ argv, cwd }: Invocation): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`${renderFlagHelp()}\n`);
    return;
  }
  const source = new PlacedConfig({ argv, env: hostEnvironment(), cwd });
  const config = await source.load();
  const isStdio = config.server.transports.includes('stdio');
  // Before any plug-in is loaded: nothing but the protocol may reach stdout.
  const output = isStdio ? claimStdout() : undefined;
  const logger = new StderrLogger(config.logging);
  Logger.overrideLogger(logger);
  for (const warning of config.warnings) logger.warn(warning, 'Settings');

  surviveRejections(logger);
  const server = await start({ config, source, cwd, logger });
  const stopper = new Stopper({ app: server.app, logger, graceSec: config.server.shutdownGraceSec });
  stopper.listen();
  endOnException(logger, stopper);
  reloadOnHangUp(server);
  announce(server, config);
  warnOfInsecure(server, config, logger);
  if (!output) return;
  const hasLeft = await server.app.get(StdioTransport, { strict: false }).serve(process.stdin, output);
  // One client that was sent away does not take the server from the others.
  if (hasLeft || config.server.transports.length === 1) await stopper.stop(EXIT.ok);
}

interface Start {
  readonly config: AppConfig;
  readonly source: ConfigSource;
  readonly cwd: string;
  readonly logger: StderrLogger;
}

async function start({ config, source, cwd, logger }: Start): Promise<RunningServer> {
  const { plugins, broken } = await loadPlugins(config.tools.paths, cwd);
  const server = await createServer({ config, source, plugins, logger });
  for (const { source, reason } of [...broken, ...server.broken]) {
    logger.warn(`Plug-in ${source} is skipped: ${reason}`, 'Plugins');
  }
  return server;
}

function announce({ app, http }: RunningServer, config: AppConfig): void {
  const facts = {
    config,
    port: http ? (http.address() as AddressInfo).port : undefined,
    tcpPort: app.get(TcpListener, { strict: false }).port,
    isAuthRequired: app.get(Authenticator, { strict: false }).isRequired,
    enabledTools: app
      .get(ToolRegistry, { strict: false })
      .enabled()
      .map(({ name }) => name),
  };
  process.stderr.write(`${banner(facts).join('\n')}\n`);
}

/** Each recommendation that is not met, for whoever reads the log and for whatever watches it (S2-38). */
function warnOfInsecure({ app }: RunningServer, config: AppConfig, logger: StderrLogger): void {
  const { isRequired: isAuthRequired } = app.get(Authenticator, { strict: false });
  const security = app.get(SecurityLog, { strict: false });
  const nodeEnv = hostEnvironment()['NODE_ENV'];
  for (const { setting, advice } of insecureSettings({ config, isAuthRequired, nodeEnv })) {
    logger.warn(`${setting}: ${advice}`, 'Settings');
    security.emit('insecure_setting', { setting, advice });
  }
}

/** SIGHUP asks for settings and certificates to be read again (S4-35, S4-38). */
function reloadOnHangUp({ app }: RunningServer): void {
  const reloads = app.get(ConfigReload, { strict: false });
  const certificates = app.get(TlsContexts, { strict: false });
  process.on('SIGHUP', () => {
    void reloads.reload();
    void certificates.reload();
  });
}

/** A rejection that a plug-in let slip, from its import on, is its own loss. */
function surviveRejections(logger: StderrLogger): void {
  process.on('unhandledRejection', (reason) => {
    logger.error('A promise was rejected and nobody handled it', traceOf(reason), 'Process');
  });
}

/**
 * An exception that nobody caught may have left anything half done: the process ends in order, and whoever runs it
 * starts it again.
 */
function endOnException(logger: StderrLogger, stopper: Stopper): void {
  process.on('uncaughtException', (error) => {
    logger.fatal('An exception was thrown and nobody caught it: the server ends', error.stack, 'Process');
    void stopper.stop(EXIT.fatal);
  });
}
