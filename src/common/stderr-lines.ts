import { destination } from 'pino';

const STDERR = 2;
/** Text that waits for a reader of stderr that does not read: beyond that it is dropped, not the server stopped. */
const MAX_WAITING_BYTES = 4_194_304;

type StderrLines = ReturnType<typeof destination>;

let lines: StderrLines | undefined;

/**
 * The one way of this process to stderr, never waiting for it: two of them could break each other's lines where the
 * reader is slow.
 */
export function stderrLines(): StderrLines {
  return (lines ??= destination({ dest: STDERR, sync: false, maxLength: MAX_WAITING_BYTES }));
}
