import { createHmac } from 'node:crypto';
import { AuthFailures } from '../../src/auth/auth-failures.js';
import { AuthUpkeep } from '../../src/auth/auth-upkeep.js';
import type { Credentials } from '../../src/auth/authenticator.js';
import { LocalAdmin } from '../../src/auth/authenticators/local-admin.js';
import { ChainAuthenticator } from '../../src/auth/chain-authenticator.js';
import { CredentialChecks } from '../../src/auth/credential-checks.js';
import { CredentialWatch } from '../../src/auth/credential-watch.js';
import { ApiKeys } from '../../src/auth/keys/api-keys.js';
import { KeyRing } from '../../src/auth/keys/key-ring.js';
import { KeyUsage } from '../../src/auth/keys/key-usage.js';
import type { Principal } from '../../src/auth/principal.js';
import { Revocations } from '../../src/auth/revocations.js';
import { LiveRoles } from '../../src/auth/roles/live-roles.js';
import { isGatehouseError } from '../../src/common/index.js';
import { AppConfig, type ConfigOverrides } from '../../src/config/index.js';
import type { AddressBlocks } from '../../src/limits/index.js';
import { DurableAddressBlocks } from '../../src/limits/durable-address-blocks.js';
import { LocalBus } from '../../src/store/bus.js';
import type { DurableStore } from '../../src/store/index.js';
import { MemoryDurableStore } from '../../src/store/memory/memory-durable-store.js';
import { FakeClock } from './fake-clock.js';
import { RecordingSecurityLog } from './tool-world.js';

/** A secret and a token that are no samples. */
export const JWT_SECRET = 'h7Jq2mXw9Tz4Lc8Rb1Vn5Ks0Pd3Fg6YaWq8Zx2';
export const TOKEN = 'Kd93mfQ1zUw7Yb5Ra0Lt8Xe2Vh6Nc4Jp';

const OUTSIDE = '203.0.113.7';

/** Authentication as the server wires it, with time, logs and store in the hands of the test. */
export class AuthWorld {
  private constructor(
    readonly config: AppConfig,
    readonly store: DurableStore,
    readonly clock: FakeClock,
    readonly bus: LocalBus,
    readonly security: RecordingSecurityLog,
    readonly parts: {
      readonly blocks: AddressBlocks;
      readonly watch: CredentialWatch;
      readonly local: LocalAdmin;
      readonly ring: KeyRing;
      readonly usage: KeyUsage;
      readonly revocations: Revocations;
      readonly chain: ChainAuthenticator;
      readonly keys: ApiKeys;
      readonly upkeep: AuthUpkeep;
    },
  ) {}

  /**
   * @param shared another world's store and clock: two processes over one store
   * @param bus by which processes hear of each other
   */
  static async open(
    settings: ConfigOverrides = {},
    shared: { readonly store?: DurableStore; readonly clock?: FakeClock } = {},
    bus = new LocalBus(),
  ): Promise<AuthWorld> {
    const auth = { enabled: true, ...settings.auth };
    const config = AppConfig.of({ ...settings, auth, server: { transports: ['http'], ...settings.server } });
    const clock = shared.clock ?? new FakeClock();
    const store = shared.store ?? new MemoryDurableStore(clock);
    const security = new RecordingSecurityLog();
    const blocks = new DurableAddressBlocks(clock, security, store, bus);
    const local = new LocalAdmin();
    const usage = await KeyUsage.load(store, clock);
    const ring = await KeyRing.load({ store, bus, clock, usage, setting: config.auth.apiKeys });
    const revocations = await Revocations.load({ store, bus, clock, security });
    const checks = await CredentialChecks.load(config, clock, local, ring);
    const failures = new AuthFailures(config, clock, blocks, security);
    const chain = new ChainAuthenticator(config, checks, revocations, failures, security, clock);
    const keys = new ApiKeys(ring, usage, revocations, await LiveRoles.open(config), clock, security);
    const watch = new CredentialWatch(clock);
    const upkeep = new AuthUpkeep(config, ring, revocations, watch, chain);
    const parts = { blocks, watch, local, ring, usage, revocations, chain, keys, upkeep };
    return new AuthWorld(config, store, clock, bus, security, parts);
  }

  /** Shows a token at the HTTP door, from outside. */
  show(token: string | undefined, more: Partial<Credentials> = {}): Principal | Promise<Principal> {
    const authorization = token === undefined ? undefined : `Bearer ${token}`;
    return this.parts.chain.authenticate({ authorization, address: OUTSIDE, door: 'http', ...more });
  }

  /** @returns why a token was refused, as the security log has it; undefined where it was let in */
  async refusal(token: string | undefined, more: Partial<Credentials> = {}): Promise<unknown> {
    const before = this.security.events.length;
    try {
      await this.show(token, more);
      return undefined;
    } catch (error) {
      if (!isGatehouseError(error)) throw error;
      const events = this.security.events.slice(before).filter(({ event }) => event === 'invalid_auth');
      return events[0]?.details['reason'] ?? error.kind;
    }
  }
}

/** Anything as base64url JSON. */
export function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A token with HS256, signed by hand: of any header and claims, sound or not. */
export function signedToken(claims: object, header: object = {}, secret = JWT_SECRET): string {
  const text = `${encoded({ alg: 'HS256', typ: 'JWT', ...header })}.${encoded(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
