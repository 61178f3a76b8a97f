/** @returns the origin of a door; one that is bound to every address is reached by loopback from here */
export function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${urlHost(host)}:${port}`;
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
