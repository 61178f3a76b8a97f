import type { SecurityLog } from '../../audit/index.js';
import type { Clock } from '../../common/index.js';
import type { AppConfig } from '../../config/index.js';
import type { StoreBackend } from '../../store/index.js';
import { Revocations } from '../revocations.js';
import { LiveRoles } from '../roles/live-roles.js';
import { ApiKeys } from './api-keys.js';
import { KeyRing } from './key-ring.js';
import { KeyUsage } from './key-usage.js';

/** What keys need where there is no application around them. */
export interface ApiKeyParts {
  readonly config: AppConfig;
  readonly state: Pick<StoreBackend, 'durable' | 'bus'>;
  readonly clock: Clock;
  readonly security: SecurityLog;
}

/**
 * The keys of a store, of which servers that share it hear.
 * @throws StartError the roles that keys may have cannot be read
 */
export async function openApiKeys({ config, state, clock, security }: ApiKeyParts): Promise<ApiKeys> {
  const { durable: store, bus } = state;
  const roles = await LiveRoles.open(config);
  const usage = await KeyUsage.load(store, clock);
  const revocations = await Revocations.load({ store, bus, clock, security });
  const ring = await KeyRing.load({ store, bus, clock, usage, setting: config.auth.apiKeys });
  return new ApiKeys(ring, usage, revocations, roles, clock, security);
}
