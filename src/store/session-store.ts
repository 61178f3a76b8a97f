/** What a session id does not carry (DESIGN D-8). */
export interface SessionRecord {
  /** ms since the epoch; at most as old as the pause between two writes. */
  readonly lastSeenAt: number;
  readonly clientInfo?: { readonly name: string; readonly version: string; readonly title?: string };
  /** Least severe log message that the client wants, as it set it. */
  readonly logLevel?: string;
  /** URIs of resources that the client subscribed to. */
  readonly subscriptions?: readonly string[];
}

/**
 * Session records by session key. Losing one costs its session no more than the defaults, so a write need not be
 * waited for.
 */
export abstract class SessionStore {
  /** @returns the record, or undefined when there is none, it has expired, or cannot be read as one */
  abstract get(key: string): Promise<SessionRecord | undefined>;

  /** @param expiresAt when the record is gone, ms since the epoch */
  abstract put(key: string, record: SessionRecord, expiresAt: number): Promise<void>;

  /** Removes a record, which need not exist. */
  abstract delete(key: string): Promise<void>;
}
