import { createWriteStream, type WriteStream } from 'node:fs';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../common/index.js';
import { type AuditEntry, AuditLog } from './audit-log.js';

const FLUSH_BYTES = 65_536;
const FLUSH_MS = 100;

/**
 * Appends one JSON object a line to a file, buffered: a crash of the process loses at most the last 100 ms, or 64 KiB.
 */
export class FileAuditLog extends AuditLog implements OnApplicationShutdown {
  private readonly logger = new Logger(FileAuditLog.name);
  private readonly file: WriteStream;
  private buffer = '';
  private readonly timer: NodeJS.Timeout;

  constructor(
    path: string,
    private readonly clock: Clock,
  ) {
    super();
    this.file = createWriteStream(path, { flags: 'a', mode: 0o600 });
    this.file.on('error', (error) => this.logger.error(`The audit file cannot be written: ${error.message}`));
    this.timer = setInterval(() => this.flush(), FLUSH_MS).unref();
  }

  override record(entry: AuditEntry): void {
    this.buffer += this.line(entry);
    if (this.buffer.length >= FLUSH_BYTES) this.flush();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.flush();
    await new Promise<void>((resolve) => this.file.end(resolve));
  }

  /** Written out by hand, as this runs for every call: what came from outside is escaped, the rest cannot need it. */
  private line({ requestId, door, principal, session, target, outcome, kind, durationMs }: AuditEntry): string {
    const who = `"requestId":"${requestId}","door":"${door}","principal":${JSON.stringify(principal)}`;
    const where = session === undefined ? '' : `,"session":"${session}"`;
    const why = kind === undefined ? '' : `,"kind":"${kind}"`;
    const what = `"target":${JSON.stringify(target)},"outcome":"${outcome}"${why},"durationMs":${durationMs.toFixed(3)}`;
    return `{"time":${this.clock.now()},${who}${where},${what}}\n`;
  }

  private flush(): void {
    if (this.buffer === '') return;
    this.file.write(this.buffer);
    this.buffer = '';
  }
}
