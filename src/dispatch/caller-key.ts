import { principalKey } from '../limits/index.js';
import type { Exchange } from './exchange.js';

/**
 * By whom messages and runs are counted: a proven principal as one, an unproven caller per session or connection (D-11).
 */
export function callerKey({ principal, session, connectionKey }: Exchange): string {
  if (principal.isAuthenticated) return principalKey(principal);
  return session?.key ?? connectionKey;
}
