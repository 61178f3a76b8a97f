import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { Clock, ProtocolError } from '../../common/index.js';
import { isCallerName, isKeyId, isRoleName, isScopeName } from '../../config/index.js';
import { ISSUER } from '../principal.js';
import { Revocations } from '../revocations.js';
import { LiveRoles } from '../roles/live-roles.js';
import type { ApiKey } from './api-key.js';
import { KeyRing, type RingKey } from './key-ring.js';
import { newKeyId, newKeyToken } from './key-token.js';
import { KeyUsage } from './key-usage.js';

/** Keys that the store may hold, revoked ones too. */
const MAX_KEYS = 10_000;
const MAX_NAMES = 32;
const MS_PER_DAY = 86_400_000;
const MAX_AGE_MS = 3_653 * MS_PER_DAY;
/** How long a revoked key is still listed. */
const REVOKED_FOR_MS = 30 * MS_PER_DAY;
/** How long the old token of a rotated key goes on, unless somebody says otherwise. */
export const DEFAULT_OVERLAP_MS = MS_PER_DAY;
const MAX_OVERLAP_MS = 30 * MS_PER_DAY;

/** What a new key is to be. */
export interface KeyRequest {
  /** Who calls with it; several keys may be of one name. */
  readonly name: string;
  /** 1 to 32. */
  readonly roles: readonly string[];
  /** At most 32; absent where no scope limits it. */
  readonly scopes?: readonly string[] | undefined;
  /** ms since the epoch; absent where it does not end. */
  readonly expiresAt?: number | undefined;
}

/** A key as people may see it. Times are ISO 8601. */
export interface KeyDescription {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes?: readonly string[];
  readonly state: 'active' | 'expired' | 'revoked';
  /** Keys of the settings are changed there. */
  readonly source: 'settings' | 'store';
  readonly createdAt?: string;
  readonly createdBy: string;
  readonly expiresAt?: string;
  readonly revokedAt?: string;
  readonly lastUsedAt?: string;
  /** Until when the token before the last rotation goes on. */
  readonly oldTokenUntil?: string;
}

/** A key with its token: the one time that it is to be seen. */
export interface IssuedKey {
  readonly key: KeyDescription;
  readonly token: string;
}

/** Makes, lists, rotates and ends API keys. `by` is always `issuer/subject` of who does it. */
@Injectable()
export class ApiKeys {
  /** The end of the last change: each begins with what the one before left. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly ring: KeyRing,
    private readonly usage: KeyUsage,
    private readonly revocations: Revocations,
    private readonly roles: LiveRoles,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
  ) {}

  /**
   * @returns the key and its token, when that is durable
   * @throws ProtocolError invalid_params: what is wrong with the request
   */
  async create(request: KeyRequest, by: string): Promise<IssuedKey> {
    const fault = this.faultOf(request);
    if (fault !== undefined) throw new ProtocolError('invalid_params', fault);
    const { name, roles, scopes, expiresAt } = request;
    const id = this.unusedId();
    const { token, hash } = newKeyToken(id);
    const createdAt = this.clock.now();
    const key: ApiKey = {
      id,
      name,
      roles: [...new Set(roles)],
      ...(scopes && { scopes: [...new Set(scopes)] }),
      createdAt,
      createdBy: by,
      ...(expiresAt !== undefined && { expiresAt }),
      secrets: [{ hash, createdAt }],
    };
    await this.ring.keep(key);
    this.security.emit('token_created', { keyId: id, principal: `${ISSUER}/${name}`, roles: key.roles.join('+'), by });
    return { key: this.describe(id), token };
  }

  /** Every key, those of the settings first, then the newest first. */
  list(): readonly KeyDescription[] {
    const keys = [...this.ring.list()].sort(
      (one, other) => rankOf(one) - rankOf(other) || other.key.createdAt - one.key.createdAt,
    );
    return keys.map(({ key }) => this.describe(key.id));
  }

  /**
   * Gives a key a new token. The old one goes on for a while; one from before that ends at once.
   * @param overlapMs 0 to 30 days
   * @throws ProtocolError not_found, invalid_params
   */
  async rotate(id: string, by: string, overlapMs = DEFAULT_OVERLAP_MS): Promise<IssuedKey> {
    if (!Number.isInteger(overlapMs) || overlapMs < 0 || overlapMs > MAX_OVERLAP_MS) {
      throw new ProtocolError('invalid_params', `The overlap must be 0 to ${MAX_OVERLAP_MS / MS_PER_DAY} days`);
    }
    return this.inTurn(async () => {
      const key = this.changeable(id);
      const now = this.clock.now();
      const { token, hash } = newKeyToken(id);
      const old = key.secrets.slice(0, overlapMs > 0 ? 1 : 0).map((secret) => ({ ...secret, until: now + overlapMs }));
      await this.ring.keep({ ...key, secrets: [{ hash, createdAt: now }, ...old] });
      this.security.emit('token_rotated', { keyId: id, principal: `${ISSUER}/${key.name}`, overlapMs, by });
      return { key: this.describe(id), token };
    });
  }

  /**
   * Ends a key: no request is let in with it any more, and what it opened is closed.
   * @returns when that is durable
   * @throws ProtocolError not_found, invalid_params
   */
  async revoke(id: string, by: string): Promise<KeyDescription> {
    const { key, source } = this.entry(id);
    const target = { kind: 'credential', id, issuer: ISSUER, subject: key.name } as const;
    if (source === 'settings') {
      // The settings go on to name it: so does the store, that it has ended.
      await this.revocations.revoke(target, by);
      return this.describe(id);
    }
    this.changeable(id);
    const until = this.clock.now() + REVOKED_FOR_MS;
    // At once, whatever is being written: the record of the key follows in its turn.
    const revoked = this.revocations.revoke(target, by, until);
    const kept = this.inTurn(() => this.ring.keep({ ...this.changeable(id), revokedAt: this.clock.now() }, until));
    await Promise.all([revoked, kept]);
    await this.usage.forget(id);
    return this.describe(id);
  }

  /** @throws ProtocolError not_found */
  describe(id: string): KeyDescription {
    const { key, source } = this.entry(id);
    const now = this.clock.now();
    const { name, roles, scopes, createdBy } = key;
    const isExpired = key.expiresAt !== undefined && key.expiresAt <= now;
    const principal = { issuer: ISSUER, subject: name, roles, isAuthenticated: true, credentialId: id };
    const isRevoked = key.revokedAt !== undefined || this.revocations.isRevoked(principal, key.secrets[0]?.createdAt);
    const until = key.secrets.find((secret) => secret.until !== undefined && secret.until > now)?.until;
    return {
      id,
      name,
      roles,
      ...(scopes && { scopes }),
      state: isRevoked ? 'revoked' : isExpired ? 'expired' : 'active',
      source,
      createdBy,
      ...(source === 'store' && { createdAt: iso(key.createdAt) }),
      ...dated('expiresAt', key.expiresAt),
      ...dated('revokedAt', key.revokedAt),
      ...dated('lastUsedAt', this.usage.lastUsedAt(id)),
      ...dated('oldTokenUntil', isRevoked ? undefined : until),
    };
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.last.then(change);
    this.last = done.catch(() => undefined);
    return done;
  }

  private changeable(id: string): ApiKey {
    const { key, source } = this.entry(id);
    if (source === 'settings') {
      throw new ProtocolError('invalid_params', `Key ${id} stands in MCP_API_KEYS: change it there, and restart`);
    }
    if (key.revokedAt !== undefined) throw new ProtocolError('invalid_params', `Key ${id} is revoked: make a new one`);
    return key;
  }

  private entry(id: string): RingKey {
    const entry = isKeyId(id) ? this.ring.get(id) : undefined;
    if (!entry) throw new ProtocolError('not_found', 'There is no key of this id: list the keys to see what there is');
    return entry;
  }

  private unusedId(): string {
    const id = newKeyId();
    return this.ring.get(id) ? this.unusedId() : id;
  }

  private faultOf({ name, roles, scopes = [], expiresAt }: KeyRequest): string | undefined {
    if (!isCallerName(name)) {
      return 'The name must be 1 to 128 of A-Z a-z 0-9 . _ @ / -, begin with a letter or digit, and not be one that the server uses';
    }
    if (roles.length === 0 || roles.length > MAX_NAMES || !roles.every(isRoleName)) {
      return `The roles must be 1 to ${MAX_NAMES}, each 1 to 64 of A-Z a-z 0-9 _ . : -`;
    }
    const { book } = this.roles;
    const unknown = roles.find((role) => !book.has(role));
    if (unknown !== undefined) return `"${unknown}" is no role; there are: ${book.names.join(', ')}`;
    if (scopes.length > MAX_NAMES || !scopes.every(isScopeName)) {
      return `The scopes must be at most ${MAX_NAMES}, each of visible characters without quote and backslash`;
    }
    const now = this.clock.now();
    if (
      expiresAt !== undefined &&
      !(Number.isSafeInteger(expiresAt) && expiresAt > now && expiresAt < now + MAX_AGE_MS)
    ) {
      return 'The expiry must be in the future, and within ten years';
    }
    return this.ring.size >= MAX_KEYS ? `There are ${MAX_KEYS} keys: revoke some first` : undefined;
  }
}

function rankOf({ source }: RingKey): number {
  return source === 'settings' ? 0 : 1;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function dated<Name extends string>(name: Name, time: number | undefined): { [Key in Name]?: string } {
  return (time === undefined ? {} : { [name]: iso(time) }) as { [Key in Name]?: string };
}
