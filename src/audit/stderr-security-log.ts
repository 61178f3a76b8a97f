import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, stderrLines } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { AppendFile } from './append-file.js';
import { FLOOD_PERIOD_MS, FloodGuard } from './flood-guard.js';
import { securityLine } from './security-line.js';
import { type SecurityDetails, type SecurityEvent, SecurityLog } from './security-log.js';
import { eventName } from './tcp-event-names.js';

/** Lines of one event in one second; what is more is counted. */
const MAX_LINES = 100;

/**
 * One line on stderr for each event, whatever the level and the form of the log, and in a file of its own where one is
 * named (S2-27, K-33). A flood of one event ends in a line that says how many were left out.
 */
@Injectable()
export class StderrSecurityLog extends SecurityLog implements OnApplicationShutdown {
  private readonly file: AppendFile | undefined;
  private readonly guard = new FloodGuard<string>(MAX_LINES);
  private readonly timer: NodeJS.Timeout;

  constructor(
    { logging, audit }: AppConfig,
    private readonly clock: Clock,
  ) {
    super();
    const { securityFile: path } = logging;
    const { maxFileBytes: maxBytes, backupCount } = audit;
    this.file = path === undefined ? undefined : new AppendFile({ path, maxBytes, backupCount });
    this.timer = setInterval(() => this.sweep(), FLOOD_PERIOD_MS).unref();
  }

  override emit(event: SecurityEvent, details: SecurityDetails): void {
    const at = this.clock.now();
    this.tell(event, details, at);
    this.sweep();
    const name = eventName(event, details['transport']);
    if (this.guard.admit(name, this.clock.monotonic())) this.write(securityLine(name, details, at));
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.sweep(Number.POSITIVE_INFINITY);
    await this.file?.flush();
  }

  /** Says what was left out of the seconds that are over. */
  private sweep(now = this.clock.monotonic()): void {
    for (const { kind, omitted } of this.guard.sweep(now)) {
      this.write(securityLine(kind, { omitted, periodMs: FLOOD_PERIOD_MS }, this.clock.now()));
    }
  }

  private write(line: string): void {
    stderrLines().write(line);
    this.file?.write(line);
  }
}
