import type { GatehouseError } from '../common/index.js';
import { ProtocolError } from '../common/index.js';
import type { RequestId } from '../protocol/index.js';

/** A call that can be ended early. */
export interface Abortable {
  abort(cause: GatehouseError): void;
}

/** The calls that run on behalf of one session, or of one connection where there are no sessions. */
export interface RunningCalls {
  readonly runningCount: number;
  isRunning(id: RequestId): boolean;
  /** @throws ProtocolError duplicate_request_id, session_not_found */
  begin(id: RequestId, call: Abortable): void;
  finish(id: RequestId): void;
  /** @returns whether it was running */
  cancel(id: RequestId, why: string): boolean;
}

/** The modern calls of one connection: the ids are the client's own, and mean nothing anywhere else. */
export class ConnectionCalls implements RunningCalls {
  private calls: Map<RequestId, Abortable> | undefined;

  get runningCount(): number {
    return this.calls?.size ?? 0;
  }

  isRunning(id: RequestId): boolean {
    return this.calls?.has(id) === true;
  }

  begin(id: RequestId, call: Abortable): void {
    if (this.isRunning(id)) {
      throw new ProtocolError('duplicate_request_id', `A request with id ${JSON.stringify(id)} is still running`);
    }
    (this.calls ??= new Map()).set(id, call);
  }

  finish(id: RequestId): void {
    this.calls?.delete(id);
  }

  cancel(id: RequestId, why: string): boolean {
    const call = this.calls?.get(id);
    call?.abort(new ProtocolError('cancelled', `Cancelled: ${why}`));
    return call !== undefined;
  }

  /** Ends every call: the connection is gone. */
  cancelAll(why: string): void {
    for (const id of [...(this.calls?.keys() ?? [])]) this.cancel(id, why);
  }
}
