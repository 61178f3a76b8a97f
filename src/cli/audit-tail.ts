import { followLines, newestLines, recordOf } from '../audit/index.js';
import { isJsonObject, printable } from '../common/index.js';

const MAX_TEXT_CHARS = 400;

/** How the newest records are shown. */
export interface TailOptions {
  /** How many, >= 0. */
  readonly lines: number;
  /** Whether to go on with those that come, until the process is ended. */
  readonly isFollowing: boolean;
}

/**
 * Shows the newest records, a line each, for people.
 * @param path of the current file
 */
export async function tailAudit(path: string, { lines, isFollowing }: TailOptions): Promise<void> {
  // Opened before the newest are read: a record that comes in between is shown twice rather than not at all.
  const coming = isFollowing ? await followLines(path) : undefined;
  for (const line of await newestLines(path, lines)) show(line);
  if (coming) for await (const line of coming) show(line);
}

function show(line: string): void {
  process.stdout.write(`${shown(line)}\n`);
}

/** `12 2026-01-01T00:00:00.000Z call iss/ada tool:nmap refused rate_limited 0.123 ms req-…` */
function shown(line: string): string {
  const record = recordOf(line);
  if (!record) return `? ${printable(line, MAX_TEXT_CHARS)}`;
  const { seq, time, type, durationMs, details } = record;
  const when = typeof time === 'number' ? new Date(time).toISOString() : '-';
  const what = ['principal', 'action', 'target', 'outcome', 'kind'].map((field) => record[field]);
  const took = typeof durationMs === 'number' ? `${durationMs} ms` : undefined;
  const more = isJsonObject(details) ? JSON.stringify(details) : undefined;
  const words = [seq, when, type, ...what, took, record['requestId'], more].filter((word) => word !== undefined);
  return printable(words.map(String).join(' '), MAX_TEXT_CHARS);
}
