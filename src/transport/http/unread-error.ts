import { ENDING } from '../connections/ending.js';

/** Why a connection is cut whose client does not read: told by its socket, and written down where those are watched. */
export class UnreadError extends Error {
  static readonly CODE = 'ERR_UNREAD';
  readonly code = UnreadError.CODE;

  constructor() {
    super(ENDING.unread.reason);
  }
}
