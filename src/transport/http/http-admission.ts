import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { type ErrorKind, printable } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { ClientAddresses } from '../../limits/index.js';
import { refuse } from './http-errors.js';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const CORS_METHODS = 'GET, POST, DELETE, OPTIONS';
const CORS_HEADERS =
  'Content-Type, Accept, Authorization, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID, X-Client-ID';
const CORS_EXPOSED = 'Mcp-Session-Id, Retry-After, WWW-Authenticate';
const PREFLIGHT_AGE_SEC = 600;

/** Answers a request that gets no further. */
type Refuse = (res: ServerResponse, kind: ErrorKind, message: string) => void;

const HOST = /^(\[[^\]]*\]|[^:[\]]*)(?::\d*)?$/;

/** Why a request gets no further. */
export interface AdmissionRefusal {
  readonly kind: ErrorKind;
  readonly message: string;
  /** When it may succeed, ms from now, where that is known. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Host and Origin, checked before anything else is: a page that was rebound to this address, or one of another site,
 * gets no further (W-4, W-5).
 * @see MCP 2025-11-25, basic/transports, "Security Warning"
 */
@Injectable()
export class HttpAdmission {
  private readonly hosts: ReadonlySet<string>;
  private readonly origins: ReadonlySet<string>;

  constructor(
    config: AppConfig,
    private readonly security: SecurityLog,
    private readonly addresses: ClientAddresses,
  ) {
    const { host, publicUrl } = config.server;
    const bound = host.includes(':') ? `[${host}]` : host;
    const names = [...LOOPBACK_NAMES, bound, ...config.http.allowedHosts];
    this.hosts = new Set(
      [...names, ...(publicUrl ? [new URL(publicUrl).hostname] : [])].map((name) => name.toLowerCase()),
    );
    this.origins = new Set(config.http.corsOrigins);
  }

  /**
   * @param answer how what is refused is told
   * @returns whether the request may go on; if not, it is answered. A preflight is answered here too.
   */
  admit(req: IncomingMessage, res: ServerResponse, answer: Refuse = refuse): boolean {
    // Also where no page asks: a cache must not give a page what it kept from somebody else's answer.
    if (this.origins.size > 0) res.setHeader('Vary', 'Origin');
    const refusal = this.refusalOf(req);
    if (refusal) {
      answer(res, refusal.kind, refusal.message);
      return false;
    }
    const { origin } = req.headers;
    if (origin === undefined) return true;
    if (this.origins.has(origin)) {
      res.setHeader('Access-Control-Allow-Origin', origin);
      res.setHeader('Access-Control-Expose-Headers', CORS_EXPOSED);
    }
    if (req.method !== 'OPTIONS') return true;
    res.writeHead(204, {
      'Access-Control-Allow-Methods': CORS_METHODS,
      'Access-Control-Allow-Headers': CORS_HEADERS,
      'Access-Control-Max-Age': PREFLIGHT_AGE_SEC,
    });
    res.end();
    return false;
  }

  /** @returns why the request gets no further, with its event; the same for a request and for an upgrade */
  refusalOf(req: IncomingMessage): AdmissionRefusal | undefined {
    const { host, origin } = req.headers;
    const twice = repeated(req);
    if (twice !== undefined) {
      const error = `${twice} came more than once`;
      this.security.emit('invalid_input', { transport: 'http', ip: this.addresses.of(req), error });
      return { kind: 'invalid_request', message: `Bad Request: send one ${twice} header` };
    }
    if (host === undefined || !this.hosts.has(hostname(host))) {
      this.security.emit('host_rejected', { ip: this.addresses.of(req), host: printable(host ?? '') });
      const advice = 'this server is not known by that name. Set MCP_ALLOWED_HOSTS or MCP_PUBLIC_URL.';
      return { kind: 'forbidden_host', message: `Forbidden host: ${advice}` };
    }
    if (origin === undefined || this.origins.has(origin) || isSameOrigin(origin, req)) return undefined;
    this.security.emit('origin_rejected', { ip: this.addresses.of(req), origin: printable(origin) });
    const advice = 'add it to MCP_CORS_ORIGINS to let this page in.';
    return { kind: 'forbidden_origin', message: `Forbidden origin: ${advice}` };
  }
}

/** The name in a Host header, without its port; empty where it is no `host[:port]`. */
function hostname(host: string): string {
  return HOST.exec(host)?.[1]?.toLowerCase() ?? '';
}

/** What decides who is meant and who asks, by the length of the name, which tells most others apart at once. */
const SINGLE: ReadonlyMap<number, string> = new Map([
  [4, 'host'],
  [13, 'authorization'],
]);

/**
 * Node keeps the first of them, and another machine on the way may go by the last.
 * @returns the header that came more than once; undefined where none did
 * @see RFC 9112 section 3.2
 */
function repeated({ rawHeaders }: IncomingMessage): string | undefined {
  let seen: string[] | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    const single = SINGLE.get(name.length);
    if (single === undefined || name.toLowerCase() !== single) continue;
    if (seen?.includes(single)) return single;
    (seen ??= []).push(single);
  }
  return undefined;
}

/** Whether a page was served from the very address that it calls. `null` and look-alikes never are. */
function isSameOrigin(origin: string, req: IncomingMessage): boolean {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http';
  return origin.toLowerCase() === `${scheme}://${req.headers.host ?? ''}`.toLowerCase();
}
