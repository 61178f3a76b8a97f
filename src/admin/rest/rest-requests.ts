import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { AdminEntry } from '../../audit/index.js';
import { type ErrorKind, newRequestId } from '../../common/index.js';

/** What is known of a REST request while it is served. */
export interface RestRequest {
  readonly requestId: string;
  /** Why it was refused or failed, once that is known. */
  kind: ErrorKind | undefined;
  /** What it is about to change: `tool.disable`; undefined where it changes nothing. */
  action: string | undefined;
  /** What it changes: `tool:nmap`. */
  target: string | undefined;
  /** Facts of the change for the record. */
  details: AdminEntry['details'];
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
    const request: RestRequest = {
      requestId: newRequestId(),
      kind: undefined,
      action: undefined,
      target: undefined,
      details: undefined,
      isAudited: false,
    };
    this.requests.set(req, request);
    return request;
  }

  /** Adds to what the record says of a change. */
  note(req: IncomingMessage, facts: Partial<Pick<RestRequest, 'target' | 'details'>>): void {
    Object.assign(this.of(req), facts);
  }
}
