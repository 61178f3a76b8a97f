/** @returns a host as it stands in a URL; one that is bound to every address is reached by loopback from here */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
