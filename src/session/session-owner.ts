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

/** Whoever is known by issuer and subject, be it a session, what its id says, or a principal. */
interface Named {
  readonly issuer: string;
  readonly subject: string;
}

export function isOwnedBy(session: Named, { issuer, subject }: Named): boolean {
  return session.subject === subject && session.issuer === issuer;
}

/** As events and logs have it. */
export function nameOf({ issuer, subject }: Named): string {
  return `${issuer}/${subject}`;
}
