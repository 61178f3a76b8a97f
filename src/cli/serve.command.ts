import type { AddressInfo } from 'node:net';
import type { INestApplicationContext } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { Authenticator } from '../auth/index.js';
import { EXIT } from '../common/index.js';
import { type AppConfig, hostEnvironment, loadConfig, renderFlagHelp } from '../config/index.js';
import { loadPlugins, ToolRegistry } from '../tools/index.js';
import { claimStdout, StdioTransport, TcpDoor, TransportService } from '../transport/index.js';
import { banner } from './banner.js';
import { createServer, type RunningServer } from './create-server.js';
import type { Invocation } from './invocation.js';
import { StderrLogger } from './stderr-logger.js';

const MS_PER_SEC = 1_000;

/** `gatehouse serve`: runs the server until it is told to stop, or its stdio client leaves. */
export async function serve({ argv, cwd }: Invocation): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`${renderFlagHelp()}\n`);
    return;
  }
  const config = await loadConfig({ argv, env: hostEnvironment(), cwd });
  const isStdio = config.server.transports.includes('stdio');
  // Before any plug-in is loaded: nothing but the protocol may reach stdout.
  const output = isStdio ? claimStdout() : undefined;
  const logger = new StderrLogger(config.logging);
  Logger.overrideLogger(logger);
  for (const warning of config.warnings) logger.warn(warning, 'Settings');

  surviveRejections(logger);
  const server = await start(config, cwd, logger);
  const stop = stopper(server.app, logger, config.server.shutdownGraceSec);
  endOnException(logger, stop);
  announce(server, config);
  if (!output) return;
  await server.app.get(StdioTransport, { strict: false }).serve(process.stdin, output);
  await stop(EXIT.ok);
}

async function start(config: AppConfig, cwd: string, logger: StderrLogger): Promise<RunningServer> {
  const { plugins, broken } = await loadPlugins(config.tools.paths, cwd);
  const server = await createServer({ config, plugins, logger });
  for (const { source, reason } of [...broken, ...server.broken]) {
    logger.warn(`Plug-in ${source} is skipped: ${reason}`, 'Plugins');
  }
  return server;
}

function announce({ app, http }: RunningServer, config: AppConfig): void {
  const facts = {
    config,
    port: http ? (http.address() as AddressInfo).port : undefined,
    tcpPort: app.get(TcpDoor, { strict: false }).port,
    isAuthRequired: app.get(Authenticator, { strict: false }).isRequired,
    enabledTools: app
      .get(ToolRegistry, { strict: false })
      .enabled()
      .map(({ name }) => name),
  };
  process.stderr.write(`${banner(facts).join('\n')}\n`);
}

/** Ends the process once, whoever asks first; a second signal does not wait. */
function stopper(
  app: INestApplicationContext,
  logger: StderrLogger,
  graceSec: number,
): (code: number) => Promise<void> {
  let isStopping = false;
  const stop = async (code: number): Promise<void> => {
    if (isStopping) process.exit(EXIT.fatal);
    isStopping = true;
    const isInOrder = await closed(app, logger, graceSec);
    logger.flush();
    process.exit(isInOrder ? code : EXIT.fatal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      process.stderr.write('Server stopped by user\n');
      void stop(EXIT.ok);
    });
  }
  return stop;
}

/**
 * Lets running calls finish, within the grace, and ends the application.
 * @returns whether all of it ended; what a plug-in fails at must not keep the process alive
 */
async function closed(app: INestApplicationContext, logger: StderrLogger, graceSec: number): Promise<boolean> {
  try {
    await app.get(TransportService, { strict: false }).drain(graceSec * MS_PER_SEC);
    await app.close();
    return true;
  } catch (error) {
    logger.error('The server did not end in order', traceOf(error), 'Process');
    return false;
  }
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
function endOnException(logger: StderrLogger, stop: (code: number) => Promise<void>): void {
  process.on('uncaughtException', (error) => {
    logger.fatal('An exception was thrown and nobody caught it: the server ends', error.stack, 'Process');
    void stop(EXIT.fatal);
  });
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
