import type { Principal } from '../auth/index.js';
import type { Session, SessionOrigin } from '../session/index.js';
import type { RunningCalls } from './running-calls.js';

/** Doors through which messages come. */
export type Door = 'stdio' | 'http' | 'sse' | 'websocket' | 'tcp';

/**
 * The way between the dispatcher and one caller, for as long as a message is served: made by a transport, known to
 * nobody below but as this.
 */
export abstract class Exchange {
  abstract readonly door: Door;
  abstract readonly principal: Principal;
  /** Whether a session gets a sealed id that any connection can bring back, or lives and dies with this one. */
  abstract readonly isSealed: boolean;
  /** Names the connection, where an unproven caller has no session to be counted by. */
  abstract readonly connectionKey: string;
  /** Names the connection in events, as those that tell of its beginning and end do; undefined where it has no such. */
  get clientId(): string | undefined {
    return undefined;
  }
  /** The calls without a session that this connection carries. */
  abstract readonly calls: RunningCalls;
  /** The session of the message; `initialize` sets it. */
  session: Session | undefined;

  /** In whose words this caller is told of what is no message, and so of no era (D-1). */
  get eraOfFaults(): 'legacy' | 'modern' {
    return 'legacy';
  }

  /** Where its messages come from, and a session that they open: the address is of the client, behind trusted proxies. */
  get origin(): SessionOrigin {
    return { door: this.door };
  }

  /** Sends a message that belongs to the request being served, before its answer. @param text one JSON-RPC message */
  abstract send(text: string): void;

  /** Closes the stream of the answer where the client can come back for it. */
  abstract closeStream(): void;
}
