import { isJsonObject } from '../../common/index.js';
import { isCallerName, isKeyId, isRoleName, isScopeName } from '../../config/index.js';

/** One secret of a key. There are two while clients change over from the old to the new one. */
export interface KeySecret {
  /** SHA-256 of the token, hex. */
  readonly hash: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** When a secret that was replaced ends, ms since the epoch. */
  readonly until?: number;
}

/** An API key as it is kept. Secrets are there as hashes alone. */
export interface ApiKey {
  readonly id: string;
  /** Who calls with it: the subject of the principal. Several keys may be of one name. */
  readonly name: string;
  readonly roles: readonly string[];
  /** Absent where no scope limits it. */
  readonly scopes?: readonly string[];
  /** ms since the epoch; 0 for keys of the settings. */
  readonly createdAt: number;
  /** `issuer/subject` of who made it. */
  readonly createdBy: string;
  /** ms since the epoch; absent where it does not end. */
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  /** The newest first. */
  readonly secrets: readonly KeySecret[];
}

/** @returns the key that a record holds; undefined where it holds none */
export function readKey(value: unknown): ApiKey | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, name, roles, scopes, createdAt, createdBy, expiresAt, revokedAt, secrets } = value;
  const isKey =
    isText(id, isKeyId) &&
    isText(name, isCallerName) &&
    isListOf(roles, (role) => isText(role, isRoleName)) &&
    (scopes === undefined || isListOf(scopes, (scope) => isText(scope, isScopeName))) &&
    typeof createdAt === 'number' &&
    typeof createdBy === 'string' &&
    [expiresAt, revokedAt].every((time) => time === undefined || typeof time === 'number') &&
    isListOf(secrets, isSecret);
  return isKey ? (value as unknown as ApiKey) : undefined;
}

function isSecret(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { hash, createdAt, until } = value;
  return (
    isText(hash, (text) => /^[0-9a-f]{64}$/.test(text)) &&
    typeof createdAt === 'number' &&
    (until === undefined || typeof until === 'number')
  );
}

function isText(value: unknown, isSound: (text: string) => boolean): boolean {
  return typeof value === 'string' && isSound(value);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}
