import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Clock, ProtocolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { AuthFailures } from './auth-failures.js';
import { AnonymousAuthenticator, Authenticator, type Credentials } from './authenticator.js';
import { digestKeyOf } from './authenticators/digest.js';
import { CredentialCache } from './credential-cache.js';
import { CredentialChecks } from './credential-checks.js';
import type { Principal } from './principal.js';
import { isAbout, Revocations } from './revocations.js';
import type { Proof, Refusal, Verdict } from './verdict.js';

/** Credentials that were found to hold, at once. */
const MAX_CACHED = 10_000;
const MAX_CERTIFICATES = 1_000;

const BEARER = /^bearer +([\x21-\x7e]+) *$/i;

/**
 * The one chain of all doors (K-26). A token decides over a certificate. Where no proof is required, a credential that
 * is one of ours is honoured or refused all the same, as managing needs one (D-11); what is none of ours is ignored.
 */
@Injectable()
export class ChainAuthenticator extends Authenticator {
  override readonly isRequired: boolean;
  private readonly unproven: AnonymousAuthenticator;
  private readonly cache = new CredentialCache(MAX_CACHED);
  private readonly certificates = new CredentialCache(MAX_CERTIFICATES);
  private readonly seen = { http: new WeakSet<Proof>(), rest: new WeakSet<Proof>() };

  constructor(
    config: AppConfig,
    private readonly checks: CredentialChecks,
    private readonly revocations: Revocations,
    private readonly failures: AuthFailures,
    private readonly security: SecurityLog,
    private readonly clock: Clock,
  ) {
    super();
    this.isRequired = config.auth.enabled === true;
    this.unproven = new AnonymousAuthenticator(config);
    revocations.onRevoked((revocation) => this.forget((principal) => isAbout(revocation, principal)));
  }

  /** Whether a client certificate alone says who calls. */
  override get takesCertificates(): boolean {
    return this.checks.certificates.isConfigured;
  }

  override authenticate(credentials: Credentials): Principal | Promise<Principal> {
    this.failures.assertNotBlocked(credentials);
    const { authorization, certificate } = credentials;
    if (authorization !== undefined) return this.byToken(authorization, credentials);
    if (certificate && this.takesCertificates) {
      const now = this.clock.now();
      const cached = this.certificates.get(certificate.fingerprint, now);
      if (cached) return this.admit(cached, credentials);
      const verdict = this.checks.certificates.check(certificate, now);
      return this.settle(verdict, credentials, (proof) => this.certificates.put(certificate.fingerprint, proof));
    }
    return this.withoutProof({ reason: 'missing_credential', isGuess: false }, credentials);
  }

  override local(): Principal {
    return this.unproven.local();
  }

  /** Forgets what a credential proved: it is looked at again when it comes next. */
  forget(matches: (principal: Principal) => boolean): void {
    this.cache.drop(matches);
    this.certificates.drop(matches);
  }

  /** Forgets what has run out. */
  sweep(): void {
    const now = this.clock.now();
    this.cache.sweep(now);
    this.certificates.sweep(now);
  }

  private byToken(authorization: string, credentials: Credentials): Principal | Promise<Principal> {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) return this.withoutProof({ reason: 'unsupported_scheme', isGuess: false }, credentials);
    const key = digestKeyOf(token);
    const cached = this.cache.get(key, this.clock.now());
    if (cached) return this.admit(cached, credentials);
    const verdict = this.checks.judge(token);
    const keep = (proof: Proof): void => this.cache.put(key, proof);
    if (verdict instanceof Promise) return verdict.then((settled) => this.settle(settled, credentials, keep));
    return this.settle(verdict, credentials, keep);
  }

  private settle(verdict: Verdict | undefined, credentials: Credentials, keep: (proof: Proof) => void): Principal {
    if (verdict === undefined) return this.withoutProof({ reason: 'unknown_token', isGuess: true }, credentials);
    if ('refusal' in verdict) throw this.failed(verdict.refusal, credentials);
    const { proof } = verdict;
    const { principal, issuedAt } = proof;
    if (this.revocations.isRevoked(principal, issuedAt)) {
      throw this.failed({ reason: 'revoked', keyId: principal.credentialId, isGuess: false }, credentials);
    }
    const admitted = this.admit(proof, credentials);
    keep(proof);
    return admitted;
  }

  private admit(proof: Proof, credentials: Credentials): Principal {
    const { principal, doors, used } = proof;
    if (doors && !doors.has(credentials.door ?? '')) {
      throw this.failed({ reason: 'other_door', keyId: principal.credentialId, isGuess: false }, credentials);
    }
    used?.();
    this.noteFirst(proof, credentials);
    return principal;
  }

  /**
   * Doors that hold connections write down who came with each. Where every request proves itself, that would be a line a
   * request: one per credential is written there, while it is remembered.
   */
  private noteFirst(proof: Proof, { door, address }: Credentials): void {
    const seen = door === 'http' || door === 'rest' ? this.seen[door] : undefined;
    if (!seen || seen.has(proof)) return;
    seen.add(proof);
    const { principal, method } = proof;
    this.security.emit('auth_success', {
      transport: door,
      ip: address,
      principal: `${principal.issuer}/${principal.subject}`,
      method,
      keyId: principal.credentialId,
    });
  }

  private withoutProof(refusal: Refusal, credentials: Credentials): Principal {
    if (!this.isRequired) return this.unproven.authenticate();
    throw this.failed(refusal, credentials);
  }

  private failed(refusal: Refusal, credentials: Credentials): ProtocolError {
    this.failures.note(refusal, credentials);
    if (refusal.reason === 'missing_credential') {
      return new ProtocolError('auth_required', 'Authentication required', { data: { hint: HOW } });
    }
    return new ProtocolError('auth_failed', 'Authentication failed', { data: { hint: WHAT_NEXT } });
  }
}

const HOW = 'Send Authorization: Bearer with an API key or a token. Whoever runs this server hands them out.';
const WHAT_NEXT =
  'The credential is wrong, has ended, or is not for this server. Get a new one; the log of the server says more.';
