import { Injectable } from '@nestjs/common';
import { type GatehouseError, ProtocolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import type { RequestId } from '../protocol/index.js';
import type { CallOrigin, CallScope } from '../tools/index.js';
import type { RunningCalls } from './running-calls.js';

/** One request, among those of its session or connection. */
interface Running {
  readonly id: RequestId;
  readonly scope: CallScope;
  readonly calls: RunningCalls;
}

/** The requests that this process serves now, whatever door they came by. */
@Injectable()
export class RunningRequests {
  private readonly scopes = new Set<CallScope>();

  constructor(private readonly config: AppConfig) {}

  get count(): number {
    return this.scopes.size;
  }

  /** Where each comes from, in the order in which they began (S3-5, S3-12). */
  get origins(): readonly CallOrigin[] {
    return [...this.scopes].map(({ origin }) => origin);
  }

  /**
   * Lets a request begin; {@link finish} has to follow.
   * @throws ProtocolError server_busy, duplicate_request_id, session_not_found
   */
  begin({ id, scope, calls }: Running): void {
    const { maxInFlight } = this.config.limits;
    if (calls.runningCount >= maxInFlight && !calls.isRunning(id)) {
      throw new ProtocolError('server_busy', `Too many requests at once: ${maxInFlight} of this client are running`);
    }
    calls.begin(id, scope);
    this.scopes.add(scope);
  }

  finish({ id, scope, calls }: Running): void {
    scope.close();
    calls.finish(id);
    this.scopes.delete(scope);
  }

  /** Notes a call that came by another way than a message. @returns what notes that it is done */
  hold(scope: CallScope): () => void {
    this.scopes.add(scope);
    return () => this.scopes.delete(scope);
  }

  /** Ends all of them early. */
  abortAll(cause: GatehouseError): void {
    for (const scope of this.scopes) scope.abort(cause);
  }
}
