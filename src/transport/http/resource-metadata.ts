import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authenticator, ProtectedResource } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import type { LaneHandler } from './lane-front.js';
import { pathOf } from './paths.js';

const MAX_AGE_SEC = 300;
const PUBLIC = { 'Access-Control-Allow-Origin': '*' };

/**
 * The documents that tell OAuth clients whom to get a token from. Public, and for pages of any origin: there is nothing
 * in them that the server does not tell everybody.
 * @see RFC 9728 section 3
 */
@Injectable()
export class ResourceMetadata implements LaneHandler {
  private readonly documents: ReadonlyMap<string, string>;

  constructor(config: AppConfig, authenticator: Authenticator) {
    const resource = authenticator.isRequired ? ProtectedResource.of(config) : undefined;
    this.documents = resource?.documents ?? new Map<string, string>();
  }

  /** Where there are documents. */
  get paths(): readonly string[] {
    return [...this.documents.keys()];
  }

  /** Under whatever name the server was reached: a proxy may have another for it, and what is told is no secret. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    const text = this.documents.get(pathOf(req.url ?? '')) ?? '';
    if (req.method === 'OPTIONS') {
      const allowed = { 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': '*' };
      res.writeHead(204, { ...PUBLIC, ...allowed }).end();
    } else if (req.method === 'GET' || req.method === 'HEAD') {
      res.writeHead(200, {
        ...PUBLIC,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': `max-age=${MAX_AGE_SEC}`,
      });
      res.end(req.method === 'GET' ? text : undefined);
    } else {
      res.writeHead(405, { Allow: 'GET, HEAD, OPTIONS', 'Content-Length': 0 }).end();
    }
  }
}
