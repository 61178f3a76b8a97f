import type { Principal } from '../auth/index.js';
import type { Exchange } from './exchange.js';

/**
 * By whom messages and runs are counted: a proven principal as one, an unproven caller per session or connection (D-11).
 */
export function callerKey({ principal, session, connectionKey }: Exchange): string {
  return principal.isAuthenticated ? principalKey(principal) : (session?.key ?? connectionKey);
}

/** By what a proven principal is counted. */
export function principalKey({ issuer, subject }: Principal): string {
  return `${issuer}\n${subject}`;
}
