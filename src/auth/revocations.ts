import { Logger } from '@nestjs/common';
import type { SecurityLog } from '../audit/index.js';
import { type Clock, isJsonObject, printable } from '../common/index.js';
import { type Bus, type DurableStore, SharedLook } from '../store/index.js';
import type { Principal } from './principal.js';

const NAMESPACE = 'revocations';

/** Whose access ends. */
export type RevocationTarget =
  | { readonly kind: 'principal'; readonly issuer: string; readonly subject: string }
  /** One credential, by its id, and whose it is where that is known: their sessions end. */
  | {
      readonly kind: 'credential';
      readonly id: string;
      readonly issuer?: string | undefined;
      readonly subject?: string | undefined;
    }
  /** One session, by its hash. */
  | { readonly kind: 'session'; readonly id: string };

/** An end of access. Credentials that were given before it do not hold any more. */
export type Revocation = RevocationTarget & {
  /** The epoch, ms since the epoch. */
  readonly at: number;
  /** When the last credential that it is about ends by itself, ms since the epoch; absent, it is kept. */
  readonly until?: number;
};

/** Is told of each revocation once, in the process that it was made in and in every other. */
export type OnRevoked = (revocation: Revocation) => void;

/** What revocations are made of. */
export interface RevocationParts {
  readonly store: DurableStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly security: SecurityLog;
}

/**
 * Whose credentials have ended before their time (D-10): an epoch per principal, credential and session in the store.
 * It holds in this process at once, and in every other one when it hears of it, or reads the store again, within 5 s.
 */
export class Revocations {
  private readonly logger = new Logger(Revocations.name);
  private readonly known = new Map<string, Revocation>();
  private readonly listeners = new Set<OnRevoked>();
  /** Made here, and not durable yet. */
  private readonly unwritten = new Map<string, Revocation>();
  private readonly look = new SharedLook(() => this.read());
  private changes = 0;
  /** Keys of records that are no revocations, told of once. */
  private readonly strange = new Set<string>();

  constructor(private readonly parts: RevocationParts) {}

  /** What was revoked before is known, and told to nobody: nothing is open yet. */
  static async load(parts: RevocationParts): Promise<Revocations> {
    const revocations = new Revocations(parts);
    await revocations.refresh();
    return revocations;
  }

  /** @returns what ends the listening */
  onRevoked(listener: OnRevoked): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Ends access. It holds here before this returns, and is promised when it has resolved.
   * @param by `issuer/subject` of who did it
   * @param until when the last credential that this is about ends by itself, ms since the epoch; absent, it is kept
   * @throws Error the store could not make it durable; it holds in this process all the same
   */
  async revoke(target: RevocationTarget, by: string, until?: number): Promise<void> {
    const revocation: Revocation = { ...target, at: this.parts.clock.now(), ...(until !== undefined && { until }) };
    this.changes += 1;
    this.unwritten.set(keyOf(target), revocation);
    this.learn(revocation);
    const { kind, keyId, principal } = namesOf(target);
    this.parts.security.emit('token_revoked', { kind, keyId, principal, by });
    await this.write(revocation);
  }

  /** Takes a revocation back: credentials from before it hold again. @returns whether there was one */
  async lift(target: RevocationTarget, by: string): Promise<boolean> {
    const key = keyOf(target);
    this.changes += 1;
    if (!this.known.delete(key)) return false;
    this.unwritten.delete(key);
    await this.parts.store.delete(NAMESPACE, key);
    this.changes += 1;
    this.parts.bus.publish(NAMESPACE, key);
    this.logger.log(`The revocation of ${printable(key)} was taken back by ${printable(by)}`);
    return true;
  }

  /**
   * Whether a credential was given before its principal's access, or its own, was ended.
   * @param issuedAt ms since the epoch; undefined counts as long ago
   */
  isRevoked({ issuer, subject, credentialId }: Principal, issuedAt: number | undefined): boolean {
    if (this.known.size === 0) return false;
    const isBefore = (revocation: Revocation | undefined): boolean =>
      revocation !== undefined && (issuedAt === undefined || issuedAt <= revocation.at);
    return (
      isBefore(this.known.get(keyOf({ kind: 'principal', issuer, subject }))) ||
      (credentialId !== undefined && isBefore(this.known.get(keyOf({ kind: 'credential', id: credentialId }))))
    );
  }

  /** Calls back when something was revoked or taken back, in this process or in another one. @returns what ends that */
  onNews(listener: () => void): () => void {
    return this.parts.bus.subscribe(NAMESPACE, listener);
  }

  /** Reads the store again, tells of what is new, and tries again what could not be written. @throws Error it is out of reach */
  refresh(): Promise<void> {
    return this.look.again();
  }

  private async read(): Promise<void> {
    await Promise.all([...this.unwritten.values()].map((revocation) => this.write(revocation)));
    const { changes } = this;
    const records = await this.parts.store.list(NAMESPACE);
    // What was read may be older than what this process has changed since: the next look shows both.
    if (this.changes !== changes) return;
    const found = new Set<string>();
    for (const { key, value } of records) {
      const revocation = readRevocation(value);
      if (!revocation || keyOf(revocation) !== key) {
        if (!this.strange.has(key)) this.logger.error(`The record of revocation ${printable(key)} is none`);
        this.strange.add(key);
        continue;
      }
      found.add(key);
      if ((this.known.get(key)?.at ?? -1) < revocation.at) this.learn(revocation);
    }
    for (const key of this.known.keys()) if (!found.has(key) && !this.unwritten.has(key)) this.known.delete(key);
  }

  private async write(revocation: Revocation): Promise<void> {
    const [key, { until }] = [keyOf(revocation), revocation];
    const record = { namespace: NAMESPACE, key, value: revocation };
    await this.parts.store.put(until === undefined ? record : { ...record, expiresAt: until });
    if (this.unwritten.get(key) === revocation) this.unwritten.delete(key);
    this.parts.bus.publish(NAMESPACE, key);
  }

  private learn(revocation: Revocation): void {
    this.known.set(keyOf(revocation), revocation);
    for (const listener of this.listeners) {
      try {
        listener(revocation);
      } catch (error) {
        this.logger.error('A revocation was not obeyed', error instanceof Error ? error.stack : String(error));
      }
    }
  }
}

/** Whether what a principal opened has to end with a revocation. */
export function isAbout(revocation: Revocation, principal: Principal): boolean {
  switch (revocation.kind) {
    case 'principal':
      return principal.issuer === revocation.issuer && principal.subject === revocation.subject;
    case 'credential':
      return principal.credentialId === revocation.id;
    case 'session':
      return false;
  }
}

/** JSON, so that no two targets share a key, whatever their names hold. */
function keyOf(target: RevocationTarget): string {
  return target.kind === 'principal'
    ? JSON.stringify(['principal', target.issuer, target.subject])
    : JSON.stringify([target.kind, target.id]);
}

function namesOf(target: RevocationTarget): { kind: string; keyId?: string; principal?: string } {
  const { kind } = target;
  if (kind === 'session') return { kind };
  const principal = target.issuer === undefined ? {} : { principal: `${target.issuer}/${target.subject}` };
  return { kind, ...principal, ...(kind === 'credential' && { keyId: target.id }) };
}

function readRevocation(value: unknown): Revocation | undefined {
  if (!isJsonObject(value) || typeof value['at'] !== 'number') return undefined;
  const { kind, issuer, subject, id } = value;
  const isPrincipal = kind === 'principal' && typeof issuer === 'string' && typeof subject === 'string';
  const isOther = (kind === 'credential' || kind === 'session') && typeof id === 'string';
  return isPrincipal || isOther ? (value as unknown as Revocation) : undefined;
}
