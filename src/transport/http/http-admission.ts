import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { type ErrorKind, printable } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
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
    const { host, origin } = req.headers;
    // Also where no page asks: a cache must not give a page what it kept from somebody else's answer.
    if (this.origins.size > 0) res.setHeader('Vary', 'Origin');
    if (hasTwoHosts(req)) {
      answer(res, 'invalid_request', 'Bad Request: send one Host header');
      return false;
    }
    if (host === undefined || !this.hosts.has(hostname(host))) {
      this.security.emit('host_rejected', { ip: req.socket.remoteAddress, host: printable(host ?? '') });
      answer(
        res,
        'forbidden_host',
        'Forbidden host: this server is not known by that name. Set MCP_ALLOWED_HOSTS or MCP_PUBLIC_URL.',
      );
      return false;
    }
    if (origin === undefined) return true;
    return this.admitOrigin(origin, { req, res, answer });
  }

  private admitOrigin(origin: string, { req, res, answer }: Admitting): boolean {
    const isListed = this.origins.has(origin);
    if (!isListed && !isSameOrigin(origin, req)) {
      this.security.emit('origin_rejected', { ip: req.socket.remoteAddress, origin: printable(origin) });
      answer(res, 'forbidden_origin', 'Forbidden origin: add it to MCP_CORS_ORIGINS to let this page in.');
      return false;
    }
    if (isListed) {
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
}

interface Admitting {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly answer: Refuse;
}

/** The name in a Host header, without its port; empty where it is no `host[:port]`. */
function hostname(host: string): string {
  return HOST.exec(host)?.[1]?.toLowerCase() ?? '';
}

/** Node keeps the first of them, and another machine on the way may go by the last. @see RFC 9112 section 3.2 */
function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count > 1;
}

/** Whether a page was served from the very address that it calls. `null` and look-alikes never are. */
function isSameOrigin(origin: string, req: IncomingMessage): boolean {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http';
  return origin.toLowerCase() === `${scheme}://${req.headers.host ?? ''}`.toLowerCase();
}
