import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../auth/index.js';

/** One look per connection: a handshake does not change. */
const known = new WeakMap<TLSSocket, ClientCertificate | undefined>();

/** @returns the certificate of the client, where the handshake of this connection has verified one */
export function clientCertificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  if (known.has(socket)) return known.get(socket);
  const certificate = read(socket);
  known.set(socket, certificate);
  return certificate;
}

function read(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return undefined;
  return {
    // Node has one part a line, the least specific first, commas escaped.
    subject: certificate.subject.split('\n').reverse().join(','),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    expiresAt: Date.parse(certificate.validTo),
  };
}
