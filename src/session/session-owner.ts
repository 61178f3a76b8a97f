import { LruList } from './lru-list.js';

/**
 * Whom sessions belong to: issuer and subject, never a token. One instance for all sessions of a principal; as a list,
 * it holds those without work.
 */
export class SessionOwner<T> extends LruList<T> {
  /** Live sessions. */
  count = 0;

  constructor(
    readonly issuer: string,
    readonly subject: string,
    readonly isProven = true,
  ) {
    super();
  }
}
