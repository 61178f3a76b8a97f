import { StartError } from '../../common/index.js';
import { JOURNAL_VERSION, type JournalEntry, readLine } from './journal-line.js';
import type { RecordTable } from './record-table.js';

const LINE_FEED = 0x0a;

/**
 * Replays a journal into a table.
 * Lines are written whole and acknowledged only after their line feed is on disk, so a last line without one is an
 * unfinished write that nobody was promised. Every other fault means that acknowledged records are lost.
 * @returns the bytes of an unfinished last line, 0 in the usual case
 * @throws StartError a line is damaged, or the journal is of a later version
 */
export function replay(bytes: Buffer, table: RecordTable, path: string): number {
  let start = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(LINE_FEED, start);
    if (end < 0) return bytes.length - start;
    const entry = readLine(bytes.subarray(start, end));
    if (!entry || (line === 1) !== (entry.kind === 'format')) throw damaged(path, line, start);
    apply(entry, table, path);
    start = end + 1;
  }
}

function apply(entry: JournalEntry, table: RecordTable, path: string): void {
  switch (entry.kind) {
    case 'format':
      if (entry.version !== JOURNAL_VERSION) throw laterVersion(path, entry.version);
      return;
    case 'put':
      table.put(entry.namespace, entry.key, entry.record);
      return;
    case 'delete':
      table.delete(entry.namespace, entry.key);
  }
}

function damaged(path: string, line: number, offset: number): StartError {
  return new StartError(`The journal ${path} is damaged at line ${line} (byte ${offset}).`, [
    'To keep what it holds, put back a copy of the file from a backup.',
    `To start without it, move it away: mv '${path}' '${path}.damaged'. Tools that were switched go back to their ` +
      'defaults. Move session.key away too, or sessions that were ended can be used again until they expire.',
  ]);
}

function laterVersion(path: string, version: number): StartError {
  return new StartError(`The journal ${path} has version ${version}; this server reads version ${JOURNAL_VERSION}.`, [
    'Start the version of Gatehouse that wrote it, or choose another state folder: --state-dir (MCP_STATE_DIR).',
  ]);
}
