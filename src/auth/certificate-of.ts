import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from './authenticator.js';

/** Worked out once per connection: TLS 1.3 has no way to change it, and the other one is not taken. */
const known = new WeakMap<TLSSocket, { readonly certificate: ClientCertificate | undefined }>();

/**
 * The client certificate of a connection, once the handshake has verified it against the client CA.
 * @returns undefined where there is none, it was not verified, or the connection is not encrypted
 */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  let found = known.get(socket);
  if (!found) known.set(socket, (found = { certificate: verified(socket) }));
  return found.certificate;
}

function verified(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined;
  // Asked for, not taken for granted: Node calls a resumed connection of TLS 1.3 authorized that had no certificate.
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return undefined;
  return {
    // As RFC 4514 has it. Node has one part a line, the least specific first, commas escaped.
    subject: certificate.subject.split('\n').reverse().join(','),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    expiresAt: Date.parse(certificate.validTo),
  };
}
