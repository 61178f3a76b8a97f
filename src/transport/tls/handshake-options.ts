import type { TlsOptions } from 'node:tls';
import type { AppConfig } from '../../config/index.js';

/**
 * What a server of TLS has to be told when it is made; its certificate can come later.
 * @returns options of `tls.createServer` and `https.createServer`
 */
export function handshakeOptions({ tls, http }: AppConfig): TlsOptions {
  return {
    requestCert: tls.clientAuth !== 'none',
    rejectUnauthorized: tls.clientAuth === 'require',
    // A connection that never gets through it is as slow as one that never sends its headers (W-39).
    handshakeTimeout: http.headersTimeoutMs,
  };
}
