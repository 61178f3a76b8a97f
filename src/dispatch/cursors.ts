import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../common/index.js';
import { Sealer } from '../session/index.js';

/** Lists that are given in pages. */
const PAGED_LISTS = ['tools', 'resources', 'resourceTemplates', 'prompts'] as const;
export type PagedList = (typeof PAGED_LISTS)[number];

const LENGTH = 5;

/**
 * Cursors, sealed: a caller can neither read nor make one, and one of another list does not open. A cursor holds the
 * ordinal of the last entry shown, so that it stays good when entries come and go.
 */
@Injectable()
export class Cursors {
  constructor(private readonly sealer: Sealer) {}

  /** @param after ordinal, 0 to 2^32 - 1 */
  seal(list: PagedList, after: number): string {
    const bytes = Buffer.alloc(LENGTH);
    bytes.writeUInt8(PAGED_LISTS.indexOf(list), 0);
    bytes.writeUInt32BE(after, 1);
    return this.sealer.seal('cursor', bytes);
  }

  /**
   * @param cursor `params.cursor`, whatever it is
   * @returns the ordinal of the last entry shown, -1 for the first page
   * @throws ProtocolError invalid_cursor
   */
  open(list: PagedList, cursor: unknown): number {
    if (cursor === undefined) return -1;
    const bytes = typeof cursor === 'string' ? this.sealer.open('cursor', cursor) : undefined;
    if (bytes?.length !== LENGTH || bytes.readUInt8(0) !== PAGED_LISTS.indexOf(list)) {
      throw new ProtocolError('invalid_cursor', 'Invalid cursor: start again without one');
    }
    return bytes.readUInt32BE(1);
  }
}
