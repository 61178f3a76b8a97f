import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import { type GuardedRequest, RouteAccess } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { findForbidden } from '../../protocol/index.js';
import { AdminAudit } from './admin-audit.js';
import { ProblemFilter } from './problem.filter.js';
import { RestAdmission } from './rest-admission.js';
import { RestRequests } from './rest-requests.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const CUSTOM_HEADER = 'x-requested-with';

type EdgeRequest = IncomingMessage & GuardedRequest & { readonly body?: unknown };

/**
 * What every REST request passes before it is routed: Host and Origin, blocks of addresses, what no page of another site
 * can send, and a body without keys that reach for prototypes.
 */
@Injectable()
export class RestEdge implements NestMiddleware {
  constructor(
    private readonly requests: RestRequests,
    private readonly admission: RestAdmission,
    private readonly access: RouteAccess,
    private readonly audit: AdminAudit,
    private readonly problems: ProblemFilter,
  ) {}

  use(req: EdgeRequest, res: ServerResponse, next: () => void): void {
    res.removeHeader('X-Powered-By');
    res.setHeader('X-Request-Id', this.requests.of(req).requestId);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Cache-Control', 'no-store');
    // Its port decided who gets there, and it serves two kinds of reading (D-21).
    if (this.access.isFromManagement(req)) return next();
    this.audit.watch(req, res);
    const isAdmitted = this.admission.admit(req, res, (error) => this.problems.answer(error, req, res));
    if (!isAdmitted) return;
    const fault = faultOf(req);
    if (fault) this.problems.answer(fault, req, res);
    else next();
  }
}

function faultOf(req: EdgeRequest): ProtocolError | undefined {
  if (!SAFE.has(req.method ?? '') && !cannotBeForged(req)) {
    return new ProtocolError(
      'unsupported_media_type',
      'Unsupported Media Type: send Content-Type: application/json, or an X-Requested-With header with any value.',
    );
  }
  const fault = findForbidden(req.body);
  return fault && new ProtocolError(fault.kind, fault.message);
}

/** A form of another site can send neither, and its script not without a preflight: whatever credentials are at hand. */
function cannotBeForged({ headers }: IncomingMessage): boolean {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const isBearer = /^bearer /i.test(headers.authorization ?? '');
  return type === 'application/json' || isBearer || headers[CUSTOM_HEADER] !== undefined;
}
