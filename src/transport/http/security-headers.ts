import type { ServerResponse } from 'node:http';
import type { AppConfig } from '../../config/index.js';

/** Puts the security headers on a response, before anything else is written to it. */
export type SetSecurityHeaders = (res: ServerResponse) => void;

/**
 * The headers of the MCP endpoint, which serves no pages: whatever a browser takes an answer for, it loads nothing for
 * it, shows it in no frame, and guesses no type (S2-39).
 */
export function securityHeaders({ http }: AppConfig): SetSecurityHeaders {
  if (!http.securityHeaders) return () => undefined;
  const headers = [
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
    ...(http.hstsMaxAgeSec > 0 ? [['Strict-Transport-Security', `max-age=${http.hstsMaxAgeSec}`] as const] : []),
  ] as const;
  return (res) => {
    for (const [name, value] of headers) res.setHeader(name, value);
  };
}
