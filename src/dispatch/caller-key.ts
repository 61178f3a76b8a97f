import { principalKey } from '../limits/index.js';
import type { Exchange } from './exchange.js';

/**
 * By whom messages and runs are counted: a proven principal as one, an unproven caller per session or connection (D-11).
 * Where a session lives and dies with its connection, what came before it counts too.
 */
export function callerKey({ principal, session, connectionKey, isSealed }: Exchange): string {
  if (principal.isAuthenticated) return principalKey(principal);
  return isSealed && session ? session.key : connectionKey;
}
