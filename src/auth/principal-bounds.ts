import type { Principal } from './principal.js';

/**
 * Bytes that issuer and subject have together at most, UTF-8: a sealed session id has room for them, so a caller who
 * was let in can open a session (D-7).
 */
export const MAX_NAME_BYTES = 640;
/** Roles of one caller, and scopes of one credential. */
const MAX_NAMES = 64;
const MAX_NAME_CHARS = 128;

// Control characters, and halves of surrogate pairs, which UTF-8 cannot say.
const UNFIT = /[\p{Cc}\p{Cs}\u2028\u2029]/u;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether the names of a caller can be kept, shown and compared. What is not is refused before anything is opened. */
export function isWithinBounds({ issuer, subject, roles, scopes = [] }: Principal): boolean {
  return (
    [issuer, subject].every((name) => name !== '' && !UNFIT.test(name)) &&
    Buffer.byteLength(issuer) + Buffer.byteLength(subject) <= MAX_NAME_BYTES &&
    roles.length <= MAX_NAMES &&
    roles.every((role) => isShort(role) && !UNFIT.test(role)) &&
    scopes.length <= MAX_NAMES &&
    scopes.every((scope) => isShort(scope) && SCOPE.test(scope))
  );
}

/** A principal that nobody can change. */
export function frozen(principal: Principal): Principal {
  const { roles, scopes } = principal;
  return Object.freeze({
    ...principal,
    roles: Object.freeze([...roles]),
    ...(scopes && { scopes: Object.freeze([...scopes]) }),
  });
}

function isShort(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME_CHARS;
}
