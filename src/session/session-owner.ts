import { LruList } from './lru-list.js';

/** Whom sessions belong to: issuer and subject, never a token. One instance for all sessions of a principal. */
export class SessionOwner<T> {
  /** Live sessions. */
  count = 0;
  /** Those without work. */
  readonly idle = new LruList<T>();

  constructor(
    readonly issuer: string,
    readonly subject: string,
  ) {}
}
