import { randomBytes, randomUUID } from 'node:crypto';
import { ClientCapabilities } from '../../src/session/capabilities.js';
import { sealSession, type SessionIdentity } from '../../src/session/sealed-session.js';
import { Sealer, type SealPurpose } from '../../src/session/sealer.js';
import { SessionKeys } from '../../src/store/index.js';
import type { Json } from './messages.js';

const MAX_CHARS = 16_384;
const HOUR_MS = 3_600_000;

/**
 * Somebody who can make what only the server should: with its keys, to make what belongs to other callers or to other
 * times; and without them, to make what belongs to nobody.
 */
export class Forger {
  /** Value of `MCP_SESSION_KEYS` of the server whose keys these are. */
  readonly setting = `k1:${randomBytes(32).toString('base64')}`;
  private readonly sealer = new Sealer(SessionKeys.fromSetting(this.setting));
  private readonly stranger = new Sealer(SessionKeys.ephemeral());

  /** A session id that the server itself might have given, but for what is said otherwise. */
  session(more: Partial<SessionIdentity> = {}): string {
    return sealSession(this.sealer, identity(more));
  }

  /** The same, of a server with other keys. */
  strangeSession(): string {
    return sealSession(this.stranger, identity({}));
  }

  /** Opens what holds JSON, and seals it again, changed. */
  changed(purpose: SealPurpose, text: string, change: (value: Json) => unknown): string {
    return this.resealed(this.sealer, { purpose, text, change });
  }

  /** The same contents under a seal of other keys. */
  strange(purpose: SealPurpose, text: string): string {
    return this.resealed(this.stranger, { purpose, text, change: (value) => value });
  }

  /** The same bytes for another purpose. */
  misused(from: SealPurpose, to: SealPurpose, text: string): string {
    return this.sealer.seal(to, this.opened(from, text));
  }

  private resealed(
    sealer: Sealer,
    { purpose, text, change }: { purpose: SealPurpose; text: string; change: (value: Json) => unknown },
  ): string {
    const bytes = this.opened(purpose, text);
    const value = purpose === 'cursor' ? undefined : (JSON.parse(bytes.toString('utf8')) as Json);
    return sealer.seal(purpose, value === undefined ? bytes : Buffer.from(JSON.stringify(change(value))));
  }

  private opened(purpose: SealPurpose, text: string): Buffer {
    const bytes = this.sealer.open(purpose, text, MAX_CHARS);
    if (!bytes) throw new Error(`This is no ${purpose} of the server: ${text}`);
    return bytes;
  }
}

/** @returns the text with one of its characters another, and of the same length */
export function tampered(text: string, at = Math.floor(text.length / 2)): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

function identity(more: Partial<SessionIdentity>): SessionIdentity {
  const now = Date.now();
  return {
    key: randomUUID().replaceAll('-', ''),
    issuer: 'gatehouse',
    subject: 'anonymous',
    revision: '2025-11-25',
    capabilities: ClientCapabilities.read({}),
    issuedAt: now,
    expiresAt: now + HOUR_MS,
    ...more,
  };
}
