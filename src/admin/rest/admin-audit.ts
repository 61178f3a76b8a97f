import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type AuditEntry, AuditLog } from '../../audit/index.js';
import { type GuardedRequest, nameOf } from '../../auth/index.js';
import { Clock, printable } from '../../common/index.js';
import { RestRequests } from './rest-requests.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const DENIED = new Set([401, 403]);
const CLIENT_FAULT = 400;
const SERVER_FAULT = 500;

/** Puts what was done by REST on record, and what was denied: one line when the answer is out. */
@Injectable()
export class AdminAudit {
  constructor(
    private readonly audit: AuditLog,
    private readonly requests: RestRequests,
    private readonly clock: Clock,
  ) {}

  /** Watches a request until it is answered, or its caller has left. */
  watch(req: IncomingMessage & GuardedRequest & { readonly originalUrl?: string }, res: ServerResponse): void {
    const startedAt = this.clock.monotonic();
    const path = (req.originalUrl ?? req.url ?? '').split('?', 1)[0] as string;
    res.once('close', () => {
      const request = this.requests.of(req);
      const { statusCode } = res;
      if (request.isAudited || (SAFE.has(req.method ?? '') && !DENIED.has(statusCode))) return;
      const caller = req.principal;
      this.audit.record({
        requestId: request.requestId,
        door: 'http',
        principal: caller ? nameOf(caller) : 'unknown',
        session: undefined,
        target: `admin:${req.method} ${printable(path)}`,
        outcome: outcomeOf(res),
        kind: request.kind,
        durationMs: this.clock.monotonic() - startedAt,
      });
    });
  }
}

function outcomeOf({ statusCode, writableFinished }: ServerResponse): AuditEntry['outcome'] {
  if (!writableFinished) return 'cancelled';
  if (statusCode >= SERVER_FAULT) return 'failure';
  return statusCode >= CLIENT_FAULT ? 'refused' : 'success';
}
