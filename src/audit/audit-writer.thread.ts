import { parentPort, workerData } from 'node:worker_threads';
import { AuditFile, type AuditFileOptions } from './audit-file.js';
import type { WriterAnswer } from './thread-audit-sink.js';

const file = new AuditFile(workerData as AuditFileOptions);

// The thread that writes the audit log: batches come in, and for each goes back how it went.
parentPort?.on('message', (batch: string) => {
  parentPort?.postMessage(written(batch));
});

function written(batch: string): WriterAnswer {
  try {
    return { head: file.append(batch) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
