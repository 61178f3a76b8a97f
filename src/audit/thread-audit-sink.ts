import { Worker } from 'node:worker_threads';
import type { AuditFileOptions } from './audit-file.js';
import type { AuditHead } from './audit-log.js';
import { AuditSink } from './audit-sink.js';

/** What the thread says of a batch. */
export type WriterAnswer = { readonly head: AuditHead } | { readonly error: string };

interface Waiting {
  readonly resolve: (head: AuditHead) => void;
  readonly reject: (error: Error) => void;
}

const THREAD = new URL('./audit-writer.thread.js', import.meta.url);

/**
 * Writes on a thread of its own, so that neither hashing nor the disk costs a call anything. A thread that ended, which
 * only a defect can do to it, is started again with the next batch.
 */
export class ThreadAuditSink extends AuditSink {
  private worker: Worker | undefined;
  private waiting: Waiting | undefined;

  constructor(private readonly options: AuditFileOptions) {
    super();
  }

  /** One batch at a time: the next when this one is answered. */
  override write(batch: string): Promise<AuditHead> {
    const worker = (this.worker ??= this.start());
    return new Promise<AuditHead>((resolve, reject) => {
      this.waiting = { resolve, reject };
      // The process waits for its answer, and for nothing else of the thread.
      worker.ref();
      worker.postMessage(batch);
    });
  }

  override async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    worker?.removeAllListeners('exit');
    await worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(THREAD, { workerData: this.options, execArgv: [], name: 'audit' });
    worker.on('message', (answer: WriterAnswer) => this.settle(answer));
    worker.on('error', (error) => this.settle({ error: error.message }));
    worker.on('exit', (code) => {
      this.worker = undefined;
      this.settle({ error: `the writer ended with code ${code}` });
    });
    worker.unref();
    return worker;
  }

  private settle(answer: WriterAnswer): void {
    const { waiting } = this;
    this.waiting = undefined;
    this.worker?.unref();
    if ('head' in answer) waiting?.resolve(answer.head);
    else waiting?.reject(new Error(answer.error));
  }
}
