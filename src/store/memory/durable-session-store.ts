import { isJsonObject } from '../../common/index.js';
import type { DurableStore } from '../durable-store.js';
import { type SessionRecord, SessionStore } from '../session-store.js';

const NAMESPACE = 'session';

/** Session records in the durable store of the process. */
export class DurableSessionStore extends SessionStore {
  constructor(private readonly store: DurableStore) {
    super();
  }

  override async get(key: string): Promise<SessionRecord | undefined> {
    const value = await this.store.get(NAMESPACE, key);
    return isSessionRecord(value) ? value : undefined;
  }

  override put(key: string, record: SessionRecord, expiresAt: number): Promise<void> {
    return this.store.put({ namespace: NAMESPACE, key, value: record, expiresAt });
  }

  override delete(key: string): Promise<void> {
    return this.store.delete(NAMESPACE, key);
  }
}

// A newer version may have written more than this one reads, or otherwise: what does not fit is as good as missing.
function isSessionRecord(value: unknown): value is SessionRecord {
  if (!isJsonObject(value) || typeof value['lastSeenAt'] !== 'number') return false;
  const { clientInfo, logLevel, subscriptions } = value;
  return (
    (clientInfo === undefined || isClientInfo(clientInfo)) &&
    (logLevel === undefined || typeof logLevel === 'string') &&
    (subscriptions === undefined ||
      (Array.isArray(subscriptions) && subscriptions.every((uri) => typeof uri === 'string')))
  );
}

function isClientInfo(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { name, version, title } = value;
  return typeof name === 'string' && typeof version === 'string' && (title === undefined || typeof title === 'string');
}
