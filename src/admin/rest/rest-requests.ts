import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type ErrorKind, newRequestId } from '../../common/index.js';

/** What is known of a REST request while it is served. */
export interface RestRequest {
  readonly requestId: string;
  /** Why it was refused or failed, once that is known. */
  kind: ErrorKind | undefined;
  /** Whether the audit log has it already, by the call that it made. */
  isAudited: boolean;
}

/** The requests that are being served, by Node's object for each: forgotten with it. */
@Injectable()
export class RestRequests {
  private readonly requests = new WeakMap<IncomingMessage, RestRequest>();

  /** @returns what is known of a request; it gets its id when it is first asked for */
  of(req: IncomingMessage): RestRequest {
    const known = this.requests.get(req);
    if (known) return known;
    const request: RestRequest = { requestId: newRequestId(), kind: undefined, isAudited: false };
    this.requests.set(req, request);
    return request;
  }
}
