import { constants } from 'node:os';
import type { INestApplicationContext } from '@nestjs/common';
import { EXIT } from '../common/index.js';
import { TransportService } from '../transport/index.js';
import type { StderrLogger } from './stderr-logger.js';

const MS_PER_SEC = 1_000;
/** Time that the end has at least, so that it can write down what has to be, however short the grace. */
const LEAST_MS = 5_000;
/**
 * The same signal again, so soon, is the same wish: who presses Ctrl-C under npm has the terminal and npm both send it.
 */
const ECHO_MS = 500;
/** What a shell calls a process that a signal ended. */
const SIGNAL_EXIT = 128;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type Signal = (typeof SIGNALS)[number];

/** What is stopped, and how long that may take. */
export interface StopperParts {
  readonly app: INestApplicationContext;
  readonly logger: StderrLogger;
  /** 0 to 300 */
  readonly graceSec: number;
}

/**
 * Ends the process once, whoever asks first: doors, calls and child processes within the grace, then state and audit.
 * A second signal does not wait, and neither does the end itself when the grace is over (K-35, K-36).
 */
export class Stopper {
  private begun: { readonly at: number; readonly signal: Signal | undefined } | undefined;

  constructor(private readonly parts: StopperParts) {}

  /** Hears the signals from now on. */
  listen(): void {
    for (const signal of SIGNALS) process.on(signal, () => this.hear(signal));
  }

  /**
   * Ends in order, with a code; fatal where something failed at its end.
   * @param signal what asked for it
   */
  async stop(code: number, signal?: Signal): Promise<void> {
    if (this.begun) return;
    this.begun = { at: performance.now(), signal };
    const mostMs = Math.max(this.parts.graceSec * MS_PER_SEC, LEAST_MS);
    const watchdog = setTimeout(() => this.force('The grace is over', signal), mostMs);
    const isInOrder = await this.close();
    clearTimeout(watchdog);
    this.parts.logger.flush();
    process.exit(isInOrder ? code : EXIT.fatal);
  }

  private hear(signal: Signal): void {
    const { begun } = this;
    if (!begun) {
      process.stderr.write('Server stopped by user\n');
      void this.stop(EXIT.ok, signal);
    } else if (signal !== begun.signal || performance.now() - begun.at > ECHO_MS) {
      this.force(`A second signal came (${signal})`, signal);
    }
  }

  /** What still runs is cut off: child processes are killed as the process exits. */
  private force(why: string, signal: Signal | undefined): void {
    this.parts.logger.warn(`${why}: the server ends without waiting any longer`, 'Process');
    this.parts.logger.flush();
    process.exit(signal === undefined ? EXIT.fatal : SIGNAL_EXIT + constants.signals[signal]);
  }

  /** @returns whether all of it ended; what a plug-in fails at must not keep the process alive */
  private async close(): Promise<boolean> {
    const { app, logger, graceSec } = this.parts;
    let isInOrder = true;
    const steps = [() => app.get(TransportService, { strict: false }).drain(graceSec * MS_PER_SEC), () => app.close()];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        isInOrder = false;
        logger.error('The server did not end in order', traceOf(error), 'Process');
      }
    }
    return isInOrder;
  }
}

/** The stack of what was thrown, or what there is of it. */
export function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
