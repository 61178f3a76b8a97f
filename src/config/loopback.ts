import { isIP } from 'node:net';

/** Whether a host to bind, or to call, is this machine alone. */
export function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const address = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
