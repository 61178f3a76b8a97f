import type { AuditFile } from './audit-file.js';
import type { AuditHead } from './audit-log.js';

/** Where batches of records go, one after another. */
export abstract class AuditSink {
  /**
   * @param batch as `AuditFile.append` takes it
   * @returns the last record that is written; rejects when the batch could not be written, no part of it then is
   */
  abstract write(batch: string): Promise<AuditHead>;

  /** Ends it; what was handed over is written before. */
  abstract close(): Promise<void>;
}

/** Writes on this thread: where there is no other to be had. */
export class DirectAuditSink extends AuditSink {
  constructor(private readonly file: AuditFile) {
    super();
  }

  override async write(batch: string): Promise<AuditHead> {
    return this.file.append(batch);
  }

  override async close(): Promise<void> {
    this.file.close();
  }
}
