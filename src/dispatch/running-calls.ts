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
  /** @throws ProtocolError duplicate_request_id, session_not_found, cancelled (whoever asked has left) */
  begin(id: RequestId, call: Abortable): void;
  finish(id: RequestId): void;
  /** @returns whether it was running */
  cancel(id: RequestId, why: string): boolean;
}

/**
 * The modern calls of one connection: the ids are the client's own, and mean nothing anywhere else. The first has a
 * place of its own, as over HTTP there is never a second.
 */
export class ConnectionCalls implements RunningCalls {
  private firstId: RequestId | undefined;
  private first: Abortable | undefined;
  private others: Map<RequestId, Abortable> | undefined;
  private leftBecause: string | undefined;

  get runningCount(): number {
    return (this.first ? 1 : 0) + (this.others?.size ?? 0);
  }

  isRunning(id: RequestId): boolean {
    return this.callOf(id) !== undefined;
  }

  begin(id: RequestId, call: Abortable): void {
    // A request may have waited for the store when its client went away.
    if (this.leftBecause !== undefined) throw new ProtocolError('cancelled', `Cancelled: ${this.leftBecause}`);
    if (this.isRunning(id)) {
      throw new ProtocolError('duplicate_request_id', `A request with id ${JSON.stringify(id)} is still running`);
    }
    if (this.first) (this.others ??= new Map()).set(id, call);
    else [this.firstId, this.first] = [id, call];
  }

  finish(id: RequestId): void {
    if (this.first && this.firstId === id) this.first = undefined;
    else this.others?.delete(id);
  }

  cancel(id: RequestId, why: string): boolean {
    const call = this.callOf(id);
    call?.abort(new ProtocolError('cancelled', `Cancelled: ${why}`));
    return call !== undefined;
  }

  /** Ends every call, and lets none begin any more: the connection is gone. */
  cancelAll(why: string): void {
    this.leftBecause = why;
    for (const call of this.all) call.abort(new ProtocolError('cancelled', `Cancelled: ${why}`));
  }

  private get all(): readonly Abortable[] {
    return [...(this.first ? [this.first] : []), ...(this.others?.values() ?? [])];
  }

  private callOf(id: RequestId): Abortable | undefined {
    return this.first && this.firstId === id ? this.first : this.others?.get(id);
  }
}
