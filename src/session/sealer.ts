import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SessionKey } from '../config/index.js';
import { SessionKeys } from '../store/index.js';

/** What is sealed. Each purpose has keys of its own, so that what was sealed for one opens for no other. */
export const SEAL_PURPOSES = ['session', 'cursor', 'request-state', 'ticket', 'task'] as const;
export type SealPurpose = (typeof SEAL_PURPOSES)[number];

/** Characters of a sealed text that `open` looks at, unless told otherwise. */
export const MAX_SEALED_CHARS = 1_024;

const VERSION = 1;
const FINGERPRINT_AT = 1;
const NONCE_AT = 5;
const BODY_AT = 17;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Bytes that a sealed text has more than what is in it, before base64url. */
export const SEAL_OVERHEAD_BYTES = BODY_AT + TAG_BYTES;

interface SubKey {
  readonly secret: Buffer;
  /** Version and fingerprint: the start of everything that this key sealed. */
  readonly header: Buffer;
  /** Authenticated with the text: header and purpose. */
  readonly context: Buffer;
}

/**
 * Seals bytes into text that goes out and comes back: nobody else can read it, change it, or make it.
 * AES-256-GCM, with a sub-key per purpose (HKDF-SHA256); the first session key seals, all of them open.
 * Layout: version (1), key fingerprint (4), nonce (12), ciphertext, tag (16); base64url without padding.
 * @see DESIGN D-7, D-9; NIST SP 800-38D; RFC 5869
 */
@Injectable()
export class Sealer {
  private readonly sealing: ReadonlyMap<SealPurpose, SubKey>;
  private readonly opening: ReadonlyMap<SealPurpose, readonly SubKey[]>;

  constructor(keys: SessionKeys) {
    this.sealing = new Map(SEAL_PURPOSES.map((purpose) => [purpose, subKey(keys.first, purpose)]));
    this.opening = new Map(SEAL_PURPOSES.map((purpose) => [purpose, keys.all.map((key) => subKey(key, purpose))]));
  }

  /** @returns visible ASCII, 4/3 of the bytes and {@link SEAL_OVERHEAD_BYTES} */
  seal(purpose: SealPurpose, bytes: Uint8Array): string {
    const { secret, header, context } = this.sealing.get(purpose) as SubKey;
    const nonce = randomBytes(BODY_AT - NONCE_AT);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(context);
    const body = cipher.update(bytes);
    cipher.final();
    return Buffer.concat([header, nonce, body, cipher.getAuthTag()]).toString('base64url');
  }

  /**
   * Opens what was sealed for this purpose; never throws.
   * @param text anything that a caller sent
   * @param maxChars longer texts are refused unread
   * @returns the bytes, or undefined when the text is forged, changed, cut, of another purpose or of an unknown key
   */
  open(purpose: SealPurpose, text: string, maxChars = MAX_SEALED_CHARS): Buffer | undefined {
    if (text.length > maxChars) return undefined;
    const sealed = Buffer.from(text, 'base64url');
    // The decoder skips what it does not know: two texts must not be names of one and the same seal.
    if (sealed.length < SEAL_OVERHEAD_BYTES || sealed.toString('base64url') !== text) return undefined;
    for (const key of this.opening.get(purpose) as readonly SubKey[]) {
      const bytes = sealed.subarray(0, NONCE_AT).equals(key.header) ? decrypt(sealed, key) : undefined;
      if (bytes) return bytes;
    }
    return undefined;
  }
}

function decrypt(sealed: Buffer, { secret, context }: SubKey): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(NONCE_AT, BODY_AT), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(context).setAuthTag(sealed.subarray(-TAG_BYTES));
  const bytes = decipher.update(sealed.subarray(BODY_AT, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    // The tag does not fit: this is how forgery shows, not a fault.
    return undefined;
  }
  return bytes;
}

function subKey({ kid, key }: SessionKey, purpose: SealPurpose): SubKey {
  const fingerprint = createHash('sha256')
    .update(kid)
    .update(key)
    .digest()
    .subarray(0, NONCE_AT - FINGERPRINT_AT);
  const header = Buffer.concat([Buffer.of(VERSION), fingerprint]);
  const context = Buffer.concat([header, Buffer.from(purpose)]);
  const secret = Buffer.from(hkdfSync('sha256', key, '', `gatehouse/${purpose}`, KEY_BYTES));
  return { secret, header, context };
}
