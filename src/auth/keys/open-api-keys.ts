import type { SecurityLog } from '../../audit/index.js';
import type { Clock } from '../../common/index.js';
import type { DurableStore } from '../../store/index.js';
import { Revocations } from '../revocations.js';
import { ApiKeys } from './api-keys.js';
import { KeyRing } from './key-ring.js';
import { KeyUsage } from './key-usage.js';

/** What keys need where there is no application around them. */
export interface ApiKeyParts {
  readonly store: DurableStore;
  readonly clock: Clock;
  readonly security: SecurityLog;
  /** Value of `MCP_API_KEYS`. */
  readonly setting?: string | undefined;
}

/** The keys of a store that no server uses now. */
export async function openApiKeys({ store, clock, security, setting }: ApiKeyParts): Promise<ApiKeys> {
  const usage = await KeyUsage.load(store, clock);
  const revocations = await Revocations.load({ store, clock, security });
  const ring = await KeyRing.load({ store, clock, usage, setting });
  return new ApiKeys(ring, usage, revocations, clock, security);
}
