import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type AdminEntry, AuditLog } from '../../audit/index.js';
import { type GuardedRequest, nameOf } from '../../auth/index.js';
import { printable } from '../../common/index.js';
import { RestRequests } from './rest-requests.js';

const DENIED = new Set([401, 403]);
const CLIENT_FAULT = 400;
const SERVER_FAULT = 500;

type Watched = IncomingMessage & GuardedRequest & { readonly originalUrl?: string };

/** Puts what was changed by REST on record, and what was denied: one record when the answer is out. */
@Injectable()
export class AdminAudit {
  constructor(
    private readonly audit: AuditLog,
    private readonly requests: RestRequests,
  ) {}

  /** Watches a request until it is answered, or its caller has left. */
  watch(req: Watched, res: ServerResponse): void {
    const path = (req.originalUrl ?? req.url ?? '').split('?', 1)[0] as string;
    res.once('close', () => {
      const { requestId, action, target, details, kind, isAudited } = this.requests.of(req);
      if (isAudited || (action === undefined && !DENIED.has(res.statusCode))) return;
      const caller = req.principal;
      this.audit.recordAdmin({
        principal: caller ? nameOf(caller) : 'unknown',
        credentialId: caller?.credentialId,
        action: action ?? `rest.${(req.method ?? 'get').toLowerCase()}`,
        target: target ?? printable(path),
        outcome: outcomeOf(res.statusCode),
        kind,
        details: res.writableFinished ? details : { ...details, isAnswered: false },
        requestId,
        door: 'http',
      });
    });
  }
}

function outcomeOf(status: number): AdminEntry['outcome'] {
  if (status >= SERVER_FAULT) return 'failure';
  return status >= CLIENT_FAULT ? 'refused' : 'success';
}
