/** Where Redis is, and as whom to go there. */
export interface RedisAddress {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly isTls: boolean;
  /** The server itself, or the sentinels that know it. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** Name of the master that the sentinels watch; undefined without sentinels. */
  readonly master: string | undefined;
}

const URL_FORM = /^(rediss?(?:\+sentinel)?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?#]+)(?:\/([^?#]*))?$/;
const PORTS = { server: 6_379, sentinel: 26_379 } as const;
const MAX_PORT = 65_535;
const MAX_DB = 1_023;

/**
 * Reads the value of `MCP_REDIS_URL`.
 * @returns undefined where it is malformed
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const [, scheme, username, password, places = '', path = ''] = URL_FORM.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const isSentinel = scheme.endsWith('+sentinel');
  const hosts = places.split(',').map((place) => hostOf(place, isSentinel ? PORTS.sentinel : PORTS.server));
  const [master, db = '0'] = isSentinel ? path.split('/') : [undefined, path || '0'];
  const known = hosts.flatMap((host) => host ?? []);
  if (known.length < hosts.length || (!isSentinel && known.length !== 1) || (isSentinel && !master)) return undefined;
  if (!/^\d{1,4}$/.test(db) || Number(db) > MAX_DB) return undefined;
  return {
    username: decoded(username),
    password: decoded(password),
    db: Number(db),
    isTls: scheme.startsWith('rediss'),
    hosts: known,
    master: isSentinel ? master : undefined,
  };
}

function hostOf(place: string, usualPort: number): { host: string; port: number } | undefined {
  const [, host, port = String(usualPort)] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(place) ?? [];
  if (host === undefined || Number(port) > MAX_PORT || Number(port) === 0) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function decoded(part: string | undefined): string | undefined {
  if (!part) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    // Not percent-encoded: taken as it stands.
    return part;
  }
}
