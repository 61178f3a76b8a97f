import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { printable } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { refuse } from './http-errors.js';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const CORS_METHODS = 'GET, POST, DELETE, OPTIONS';
const CORS_HEADERS =
  'Content-Type, Accept, Authorization, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID, X-Client-ID';
const CORS_EXPOSED = 'Mcp-Session-Id, Retry-After, WWW-Authenticate';
const PREFLIGHT_AGE_SEC = 600;

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
   * @returns whether the request may go on; if not, it is answered. A preflight is answered here too.
   */
  admit(req: IncomingMessage, res: ServerResponse): boolean {
    const { host, origin } = req.headers;
    if (host === undefined || !this.hosts.has(hostname(host))) {
      this.security.emit('host_rejected', { ip: req.socket.remoteAddress, host: printable(host ?? '') });
      refuse(
        res,
        'forbidden_host',
        'Forbidden host: this server is not known by that name. Set MCP_ALLOWED_HOSTS or MCP_PUBLIC_URL.',
      );
      return false;
    }
    if (origin === undefined) return true;
    return this.admitOrigin(origin, { req, res });
  }

  private admitOrigin(origin: string, { req, res }: { req: IncomingMessage; res: ServerResponse }): boolean {
    const isListed = this.origins.has(origin);
    if (!isListed && !isSameOrigin(origin, req)) {
      this.security.emit('origin_rejected', { ip: req.socket.remoteAddress, origin: printable(origin) });
      refuse(res, 'forbidden_origin', 'Forbidden origin: add it to MCP_CORS_ORIGINS to let this page in.');
      return false;
    }
    if (isListed) {
      res.setHeader('Access-Control-Allow-Origin', origin);
      res.setHeader('Access-Control-Expose-Headers', CORS_EXPOSED);
      res.setHeader('Vary', 'Origin');
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

/** The name in a Host header, without its port. */
function hostname(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') + 1 : host.indexOf(':');
  return (end > 0 ? host.slice(0, end) : host).toLowerCase();
}

/** Whether a page was served from the very address that it calls. `null` and look-alikes never are. */
function isSameOrigin(origin: string, req: IncomingMessage): boolean {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http';
  return origin.toLowerCase() === `${scheme}://${req.headers.host ?? ''}`.toLowerCase();
}
