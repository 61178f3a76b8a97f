import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'executions.jsonl';

/**
 * What the record of a run of the check holds, one line each, in the order in which it happened, whatever the clocks
 * of the processes say: a line is appended whole.
 */
export type ExecutionLine =
  /** A tool began to run for a call, came to its end, or was cut short. */
  | { readonly what: 'begin' | 'end' | 'cut'; readonly call: string; readonly pid: number }
  /** A replica can run nothing from here on (`gone`), or can again (`back`). Written by whoever saw to it. */
  | { readonly what: 'gone' | 'back'; readonly pid: number }
  /** The store answers from here on, or does not. */
  | { readonly what: 'store'; readonly isUp: boolean }
  /** Time of the one clock that counts, that of the check, monotonic ms. */
  | { readonly what: 'tick'; readonly at: number };

/** The record that all replicas and the check write to: a file, so that what a killed process wrote stays. */
export class ExecutionRecord {
  private readonly path: string;

  /** @param folder start folder of the replicas */
  constructor(folder: string) {
    this.path = join(folder, FILE);
  }

  /** Written before this returns: the process may be killed right after. */
  add(line: ExecutionLine): void {
    appendFileSync(this.path, `${JSON.stringify(line)}\n`);
  }

  async read(): Promise<readonly ExecutionLine[]> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ExecutionLine);
  }
}
