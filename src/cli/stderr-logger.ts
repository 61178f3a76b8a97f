import type { LoggerService } from '@nestjs/common';
import { type destination, type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { printable, stderrLines } from '../common/index.js';
import type { LoggingSettings } from '../config/index.js';
import { LogFile } from './log-file.js';

/** What Nest says of its own start: of use to whoever looks for a fault in it. */
const WIRING: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** How a stack looks, to tell it from a context. */
const STACK = /\n\s+at .+:\d+:\d+/;

/** What of the settings a logger needs. */
type LoggerSettings = Pick<LoggingSettings, 'level' | 'format'> &
  Partial<Pick<LoggingSettings, 'filePath' | 'maxFileBytes' | 'backupCount'>>;

/** Lines that wait for the disk: beyond that they are dropped, not the server stopped. */
const MAX_WAITING_BYTES = 4_194_304;
const DEFAULT_FILE_BYTES = 10_485_760;
const DEFAULT_BACKUPS = 5;

/** Nest's logger over pino: always to stderr, and to a file where one is named; never waiting for either. */
export class StderrLogger implements LoggerService {
  private readonly pino: PinoLogger;
  private readonly sink: ReturnType<typeof destination>;
  private readonly file: LogFile | undefined;

  /** @throws StartError the log file cannot be opened */
  constructor(settings: LoggerSettings) {
    const { level, format } = settings;
    this.sink = stderrLines();
    this.file = this.fileOf(settings);
    const stream = formatted({ write: (line) => this.writeLine(line) }, RENDERERS[format]);
    const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelName } };
    this.pino = pino(options, stream);
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write(WIRING.has(rest.at(-1)) ? 'debug' : 'info', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Writes what waits, before the process ends. */
  flush(): void {
    this.file?.flush();
    this.sink.flushSync();
  }

  private writeLine(line: string): void {
    this.sink.write(line);
    this.file?.write(line);
  }

  private fileOf({ filePath, maxFileBytes, backupCount }: LoggerSettings): LogFile | undefined {
    if (filePath === undefined) return undefined;
    const options = {
      path: filePath,
      maxBytes: maxFileBytes ?? DEFAULT_FILE_BYTES,
      backups: backupCount ?? DEFAULT_BACKUPS,
      maxWaitingBytes: MAX_WAITING_BYTES,
    };
    return new LogFile(options, (message) => this.sink.write(`${message}\n`));
  }

  /** Nest hands the context last, and the stack of an error before it; either may be missing. */
  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'fatal',
    message: unknown,
    rest: readonly unknown[],
  ): void {
    const error = message instanceof Error ? message : undefined;
    const hasStack = rest.length > 1 || STACK.test(String(rest[0]));
    const stack = error?.stack ?? (hasStack ? rest[0] : undefined);
    const context = rest.length > 1 || !hasStack ? rest.at(-1) : undefined;
    const facts = typeof message === 'object' && message !== null && !error ? message : {};
    const text = typeof message === 'string' ? message : error?.message;
    this.pino[level]({ context, ...(stack !== undefined && { stack }), ...facts }, text);
  }
}

function levelName(label: string): { level: string } {
  return { level: label };
}

/** Turns pino's JSON lines into lines of another form, and lets no control character through (W-38). */
function formatted(sink: DestinationStream, render: (line: string) => string): DestinationStream {
  return { write: (line) => sink.write(`${render(line.trimEnd())}\n`) };
}

const RENDERERS: Readonly<Record<LoggingSettings['format'], (line: string) => string>> = {
  // What JSON leaves as it is stands in a text, where an escape means the same.
  json: shown,
  logfmt: (line) => shown(asLogfmt(JSON.parse(line) as Record<string, unknown>)),
  text: (line) => asText(JSON.parse(line) as Record<string, unknown>),
};

function shown(text: string): string {
  return printable(text, Number.POSITIVE_INFINITY);
}

/** A line for people; a stack follows it indented, so that none of its lines can be taken for one of the log. */
function asText({ time, level, context, msg, stack, ...facts }: Record<string, unknown>): string {
  const extra = Object.keys(facts).length > 0 ? ` ${JSON.stringify(facts)}` : '';
  const trace = typeof stack === 'string' ? stack.split('\n').map((line) => `\n    ${shown(line.trimStart())}`) : [];
  const where = typeof context === 'string' ? `[${context}] ` : '';
  const text = typeof msg === 'string' ? msg : '';
  const first = `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${where}${text}${extra}`;
  return `${shown(first)}${trace.join('')}`;
}

/** A line of `key=value` for tools. */
function asLogfmt(facts: Record<string, unknown>): string {
  return Object.entries(facts)
    .map(
      ([key, value]) =>
        `${key}=${typeof value === 'string' && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(' ');
}
