import { randomBytes, randomInt } from 'node:crypto';
import { isKeyId } from '../../config/index.js';
import { digestOf } from '../authenticators/digest.js';

const PREFIX = 'ghk_';
/** 256 bits: nobody guesses one, so a fast hash of it is enough to keep. */
const SECRET_BYTES = 32;
const ID_CHARS = 10;
/** Without letters that look like others. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const FORM = /^ghk_([A-Za-z0-9-]{1,32})_([A-Za-z0-9_-]{43,128})$/;

/** A token of an API key, which its holder alone has, and what is kept of it. */
export interface NewKeyToken {
  /** `ghk_<id>_<secret>`. */
  readonly token: string;
  /** SHA-256 of the token, hex. */
  readonly hash: string;
}

/** @returns a random id: it stands in logs, so it says nothing of the secret */
export function newKeyId(): string {
  return Array.from({ length: ID_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** Makes a token with a new secret. */
export function newKeyToken(id: string): NewKeyToken {
  const token = `${PREFIX}${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { token, hash: digestOf(token).toString('hex') };
}

/** Whether a token means to be one of an API key. */
export function looksLikeKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** @returns the id of the key that a token names; undefined where it is not well formed */
export function keyIdOf(token: string): string | undefined {
  const id = FORM.exec(token)?.[1];
  return id !== undefined && isKeyId(id) ? id : undefined;
}
