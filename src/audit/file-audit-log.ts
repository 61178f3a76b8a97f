import { randomBytes } from 'node:crypto';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Clock } from '../common/index.js';
import type { AuditSettings } from '../config/index.js';
import {
  type AdminEntry,
  type AuditEntry,
  type AuditHead,
  AuditLog,
  type AuditStatus,
  type KeptArguments,
} from './audit-log.js';
import { adminRecord, bodyOf, callRecord } from './audit-record.js';
import type { AuditSink } from './audit-sink.js';
import { redactArguments } from './redact-arguments.js';
import type { SecretPaths } from './secret-paths.js';

const FLUSH_CHARS = 65_536;
const FLUSH_MS = 100;
const RETRY_MS = 1_000;
/** What waits for a file that cannot be written: beyond that, records are counted and lost. */
const MAX_WAITING_CHARS = 16_777_216;

/** What is new for each run of a process. */
export function newRun(): { readonly run: string; readonly salt: string } {
  return { run: randomBytes(4).toString('hex'), salt: randomBytes(16).toString('base64url') };
}

/**
 * The log in a file, buffered: a process that is killed loses at most what came in the last 100 ms, or 64 KiB, and what
 * was on its way to the disk. While the file cannot be written, records wait, and it is tried again each second.
 */
export class FileAuditLog extends AuditLog implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private buffer = '';
  private sending: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isWritable = true;
  private retryAt = 0;
  private lost = 0;
  /** Of these, what no record tells of yet. */
  private untold = 0;
  private isClosing = false;
  private head: AuditHead | undefined;

  constructor(
    private readonly sink: AuditSink,
    private readonly settings: Pick<AuditSettings, 'required' | 'keepArguments' | 'starts'>,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Opens the file, so that it is known before the first call whether it can be written. */
  async onModuleInit(): Promise<void> {
    await this.send('');
    if (this.head) this.logger.log(`The chain goes on after record ${this.head.seq}, ${this.head.hash}`);
    this.timer = setInterval(() => this.flush(), FLUSH_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.isClosing = true;
    await this.sending;
    this.append(bodyOf({ time: this.clock.now(), type: 'end' }));
    const rest = this.take();
    await this.send(rest);
    await this.sink.close();
    if (!this.isWritable) this.logger.error(`The audit log ends with records that were not written: ${linesIn(rest)}`);
    else if (this.head) this.logger.log(`The chain ends with record ${this.head.seq}, ${this.head.hash}`);
  }

  override record(entry: AuditEntry): void {
    this.append(callRecord(entry, this.clock.now()));
  }

  override recordAdmin(entry: AdminEntry): void {
    this.append(adminRecord(entry, this.clock.now()));
  }

  override keep(args: unknown, secrets: SecretPaths | undefined): KeptArguments | undefined {
    const { keepArguments } = this.settings;
    if (keepArguments === 'none' || args === undefined) return undefined;
    return JSON.stringify(keepArguments === 'digest' ? args : redactArguments(args, secrets));
  }

  override get isToldOfStarts(): boolean {
    return this.settings.starts;
  }

  override get isAvailable(): boolean {
    return this.isWritable || !this.settings.required;
  }

  override status(): AuditStatus {
    const { isWritable, lost, head } = this;
    return { isWritable, waiting: this.buffer.length, lost, head };
  }

  private append(body: string): void {
    if (this.buffer.length + body.length > MAX_WAITING_CHARS) {
      this.lost += 1;
      this.untold += 1;
      return;
    }
    this.buffer += `${body}\n`;
    if (this.buffer.length >= FLUSH_CHARS) this.flush();
  }

  /** Hands over what waits; one batch at a time, and while the file fails, one try a second. */
  private flush(): void {
    if (this.sending || this.isClosing || this.buffer === '') return;
    if (!this.isWritable && this.clock.monotonic() < this.retryAt) return;
    const batch = this.take();
    this.sending = this.send(batch).finally(() => {
      this.sending = undefined;
      if (this.isWritable && this.buffer.length >= FLUSH_CHARS) this.flush();
    });
  }

  private take(): string {
    const batch = this.buffer;
    this.buffer = '';
    return batch;
  }

  /** Never rejects: what could not be written waits again, before what came since. */
  private async send(batch: string): Promise<void> {
    try {
      this.head = await this.sink.write(batch);
      if (!this.isWritable) this.recovered();
    } catch (error) {
      this.buffer = batch + this.buffer;
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    this.retryAt = this.clock.monotonic() + RETRY_MS;
    if (!this.isWritable) return;
    this.isWritable = false;
    const why = error instanceof Error ? error.message : String(error);
    const then = this.settings.required ? 'calls are refused until it can' : 'records wait until it can';
    this.logger.error(`The audit log cannot be written, ${then}: ${why}`);
  }

  private recovered(): void {
    this.isWritable = true;
    this.logger.log('The audit log is written again');
    if (this.untold > 0) this.append(bodyOf({ time: this.clock.now(), type: 'lost', records: this.untold }));
    this.untold = 0;
  }
}

function linesIn(batch: string): number {
  return batch.split('\n').length - 1;
}
