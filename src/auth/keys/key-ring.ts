import { Logger } from '@nestjs/common';
import { type Clock, printable } from '../../common/index.js';
import { type HashedKey, parseApiKeys } from '../../config/index.js';
import { type Bus, type DurableStore, SharedLook } from '../../store/index.js';
import { ISSUER, type Principal } from '../principal.js';
import { frozen } from '../principal-bounds.js';
import type { Proof } from '../verdict.js';
import { type ApiKey, type KeySecret, readKey } from './api-key.js';
import type { KeyUsage } from './key-usage.js';

/** Where keys are kept, and where a change of them is told of. */
const KEY_NAMESPACE = 'api-keys';

/** One secret that opens. */
export interface RingSecret {
  readonly secret: KeySecret;
  readonly hash: Buffer;
  readonly proof: Proof;
}

/** A key, and what its secrets prove: nothing any more where it is revoked. */
export interface RingKey {
  readonly key: ApiKey;
  readonly source: 'settings' | 'store';
  readonly secrets: readonly RingSecret[];
}

/**
 * Is told when a secret got other terms, or ended: what stands for it may be kept no longer.
 * @param isOver whether what was opened with it has to end too
 */
export type OnChange = (principal: Principal, isOver: boolean) => void;

/** What a ring is made of. */
export interface KeyRingParts {
  readonly store: DurableStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly usage: KeyUsage;
  /** Value of `MCP_API_KEYS`. */
  readonly setting?: string | undefined;
}

/**
 * The API keys, ready to be compared with: those of the settings, and those of the store as they were when they were
 * last read. While the store is out of reach, what was known goes on to be known.
 */
export class KeyRing {
  private readonly logger = new Logger(KeyRing.name);
  private readonly keys = new Map<string, RingKey>();
  /** Secrets that were replaced, and when they end. */
  private readonly retiring = new Map<Principal, number>();
  /** Ids of records that are no keys, told of once. */
  private readonly strange = new Set<string>();
  private readonly look = new SharedLook(() => this.read());
  private onChange: OnChange = () => undefined;
  /** Changes that this process made, and those of them that are being written. */
  private changes = 0;
  private writing = 0;

  private constructor(private readonly parts: KeyRingParts) {}

  static async load(parts: KeyRingParts): Promise<KeyRing> {
    const ring = new KeyRing(parts);
    for (const key of keysOf(parts.setting)) ring.take(key, 'settings');
    await ring.refresh();
    return ring;
  }

  get size(): number {
    return this.keys.size;
  }

  /** Whether a key could let somebody in. */
  get hasUsable(): boolean {
    const now = this.parts.clock.now();
    return this.list().some(({ secrets }) => secrets.some(({ proof }) => proof.freshUntil > now));
  }

  get(id: string): RingKey | undefined {
    return this.keys.get(id);
  }

  list(): readonly RingKey[] {
    return [...this.keys.values()];
  }

  whenChanged(listener: OnChange): void {
    this.onChange = listener;
  }

  /**
   * Keeps a key in place of what there was under its id. What a change takes away is gone before this returns; what it
   * adds opens when it is durable.
   * @throws Error the store could not make it durable
   */
  async keep(key: ApiKey, expiresAt?: number): Promise<void> {
    const known = this.keys.get(key.id);
    const isNew = known === undefined;
    this.changes += 1;
    this.writing += 1;
    try {
      if (!isNew) this.take({ ...key, secrets: key.secrets.filter((secret) => isIn(known.key, secret)) }, 'store');
      const record = { namespace: KEY_NAMESPACE, key: key.id, value: key };
      await this.parts.store.put(expiresAt === undefined ? record : { ...record, expiresAt });
      this.take(key, 'store');
      this.parts.bus.publish(KEY_NAMESPACE, key.id);
    } finally {
      this.writing -= 1;
    }
  }

  /** Calls back when a key has changed, in this process or in another one. @returns what ends that */
  onNews(listener: () => void): () => void {
    return this.parts.bus.subscribe(KEY_NAMESPACE, listener);
  }

  /** Reads the store again. @throws Error it is out of reach */
  refresh(): Promise<void> {
    return this.look.again();
  }

  /** Writes down when keys were used. */
  writeUses(): Promise<void> {
    return this.parts.usage.write();
  }

  private async read(): Promise<void> {
    const { changes } = this;
    const records = await this.parts.store.list(KEY_NAMESPACE);
    // What was read may be older than what this process has changed since: the next look shows both.
    if (this.writing > 0 || this.changes !== changes) return;
    const found = new Set<string>();
    for (const { key: id, value } of records) {
      const key = readKey(value);
      const known = this.keys.get(id);
      if (key?.id !== id || known?.source === 'settings') {
        if (!this.strange.has(id)) {
          this.logger.error(`The record of API key ${printable(id)} is no key, or one of the settings: it is not used`);
        }
        this.strange.add(id);
        continue;
      }
      found.add(id);
      if (JSON.stringify(known?.key) !== JSON.stringify(key)) this.take(key, 'store');
    }
    for (const { key, source, secrets } of this.list()) {
      if (source === 'settings' || found.has(key.id)) continue;
      this.keys.delete(key.id);
      for (const { proof } of secrets) this.onChange(proof.principal, true);
    }
  }

  /** Ends what was opened with secrets whose time is over. */
  sweep(): void {
    const now = this.parts.clock.now();
    for (const [principal, at] of this.retiring) {
      if (at > now) continue;
      this.retiring.delete(principal);
      this.onChange(principal, true);
    }
  }

  private take(key: ApiKey, source: RingKey['source']): void {
    const before = this.keys.get(key.id);
    const secrets =
      key.revokedAt === undefined ? key.secrets.map((secret) => this.ringSecret(key, secret, before)) : [];
    this.keys.set(key.id, { key, source, secrets });
    for (const old of before?.secrets ?? []) {
      const now = secrets.find(({ secret }) => secret.hash === old.secret.hash);
      if (now === old) continue;
      const endsAt = now?.proof.freshUntil;
      const isOver = endsAt === undefined || endsAt <= this.parts.clock.now();
      if (!isOver && endsAt !== Infinity) this.retiring.set(old.proof.principal, endsAt);
      this.onChange(old.proof.principal, isOver);
    }
  }

  /** A secret whose terms are as they were goes on to stand for the same principal. */
  private ringSecret(key: ApiKey, secret: KeySecret, before: RingKey | undefined): RingSecret {
    const same = before?.secrets.find((old) => old.secret.hash === secret.hash && old.secret.until === secret.until);
    if (same && termsOf(key) === termsOf(before?.key)) return same;
    const ends = Math.min(key.expiresAt ?? Infinity, secret.until ?? Infinity);
    const principal = frozen({
      issuer: ISSUER,
      subject: key.name,
      roles: key.roles,
      isAuthenticated: true,
      credentialId: key.id,
      ...(key.scopes && { scopes: key.scopes }),
      ...(ends !== Infinity && { expiresAt: ends }),
    });
    const used = (): void => this.parts.usage.note(key.id);
    const proof: Proof = { principal, method: 'api_key', issuedAt: secret.createdAt, freshUntil: ends, used };
    return { secret, hash: Buffer.from(secret.hash, 'hex'), proof };
  }
}

function isIn({ secrets }: ApiKey, { hash }: KeySecret): boolean {
  return secrets.some((secret) => secret.hash === hash);
}

function termsOf(key: ApiKey | undefined): string {
  return JSON.stringify([key?.name, key?.roles, key?.scopes, key?.expiresAt]);
}

/** The keys of the settings: entries of one id are one key, with the terms of the first. */
function keysOf(setting: string | undefined): readonly ApiKey[] {
  const byId = new Map<string, HashedKey[]>();
  for (const entry of setting === undefined ? [] : (parseApiKeys(setting) ?? [])) {
    byId.set(entry.id, [...(byId.get(entry.id) ?? []), entry]);
  }
  return [...byId].map(([id, entries]) => {
    const { roles, scopes } = entries[0] as HashedKey;
    return {
      id,
      name: id,
      roles,
      ...(scopes && { scopes }),
      createdAt: 0,
      createdBy: 'settings',
      secrets: entries.map(({ hash }) => ({ hash, createdAt: 0 })),
    };
  });
}
