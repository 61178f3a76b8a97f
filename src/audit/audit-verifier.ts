import { ChainCheck, readRecord } from './audit-chain.js';
import type { AuditHead } from './audit-log.js';
import { type AuditLine, linesOf } from './audit-reader.js';

/** What the chain of a log says. */
export interface Verdict {
  readonly files: number;
  readonly records: number;
  /** The first record that is left; before it may have been others, in files that were deleted. */
  readonly first: AuditHead | undefined;
  readonly last: AuditHead | undefined;
  /** The first line that is not as it was written, in words; what follows it cannot be judged. */
  readonly fault: string | undefined;
}

/**
 * Walks the chain through all files of a log.
 * @param path of the current file
 * @param expected hash of a record that must be there: of the last one, what was cut off at the end is found too
 */
export async function verifyAudit(path: string, expected?: string): Promise<Verdict> {
  const check = new ChainCheck();
  const files = new Set<string>();
  let [records, isFound] = [0, expected === undefined];
  let first: AuditHead | undefined;
  for await (const line of linesOf(path)) {
    files.add(line.file);
    const fault = faultOf(line, check);
    if (fault !== undefined) return { files: files.size, records, first, last: check.head, fault };
    records += 1;
    first ??= headOf(line);
    isFound ||= check.head?.hash === expected;
  }
  const fault = isFound ? undefined : `No record has the hash ${expected}: the log was cut, or is another`;
  return { files: files.size, records, first, last: check.head, fault };
}

function faultOf(line: AuditLine, check: ChainCheck): string | undefined {
  const where = `${line.file}, line ${line.number}`;
  if (!line.isWhole)
    return `${where} is cut off: its writer was killed and not started again since, or the file was cut`;
  const fault = check.take(line.text);
  return fault === undefined ? undefined : `${where} ${fault}`;
}

function headOf({ text }: AuditLine): AuditHead | undefined {
  const record = readRecord(text);
  return record && { seq: record.seq, hash: record.hash };
}
