import { type Decoded, isMalformed, isRequest, type RequestMessage } from '../../protocol/index.js';

/** The method by which a client proves itself where it cannot send a header (S2-9, D-18). */
export const AUTHENTICATE = 'authenticate';

/** @returns the message, where it is the request by which a client proves itself */
export function authenticateRequest(inbound: Decoded | readonly Decoded[]): RequestMessage | undefined {
  if (isList(inbound) || isMalformed(inbound) || !isRequest(inbound)) return undefined;
  return inbound.method === AUTHENTICATE ? inbound : undefined;
}

export function isAuthenticate(inbound: Decoded | readonly Decoded[]): boolean {
  return authenticateRequest(inbound) !== undefined;
}

/** Whether it is a batch. */
export function isList(inbound: Decoded | readonly Decoded[]): inbound is readonly Decoded[] {
  return Array.isArray(inbound);
}
