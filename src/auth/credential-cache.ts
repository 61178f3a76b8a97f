import type { Principal } from './principal.js';
import type { Proof } from './verdict.js';

/**
 * Credentials that were found to hold, by the SHA-256 of the token, until they have to be looked at again. Bounded: the
 * one that was used longest ago gives way.
 */
export class CredentialCache {
  private readonly proofs = new Map<string, Proof>();

  /** @param max entries kept, >= 1 */
  constructor(private readonly max: number) {}

  get size(): number {
    return this.proofs.size;
  }

  /** @param now ms since the epoch */
  get(digest: string, now: number): Proof | undefined {
    const proof = this.proofs.get(digest);
    if (proof === undefined) return undefined;
    this.proofs.delete(digest);
    if (proof.freshUntil <= now) return undefined;
    this.proofs.set(digest, proof);
    return proof;
  }

  put(digest: string, proof: Proof): void {
    this.proofs.delete(digest);
    if (this.proofs.size >= this.max) this.proofs.delete(this.proofs.keys().next().value as string);
    this.proofs.set(digest, proof);
  }

  /** Forgets the credentials of principals that match. */
  drop(matches: (principal: Principal) => boolean): void {
    for (const [digest, { principal }] of this.proofs) if (matches(principal)) this.proofs.delete(digest);
  }

  /** Forgets what has run out. */
  sweep(now: number): void {
    for (const [digest, { freshUntil }] of this.proofs) if (freshUntil <= now) this.proofs.delete(digest);
  }
}
