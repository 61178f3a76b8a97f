import type { ClientCertificate } from '../../auth/index.js';
import type { Door } from '../../dispatch/index.js';
import type { Decoded } from '../../protocol/index.js';
import type { Place } from '../connections/connection-admission.js';
import type { Wire } from '../connections/wire.js';

/** What one frame held. */
export type Inbound = Decoded | readonly Decoded[];

/** Life of a connection: it never goes back (S3-3). */
export type ConnectionState = 'connecting' | 'connected' | 'disconnected';

/** Where a client is. */
export interface ConnectionPeer {
  /** Behind trusted proxies. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly userAgent?: string | undefined;
  /** What the TLS handshake has verified. */
  readonly certificate?: ClientCertificate | undefined;
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly door: Door;
  readonly wire: Wire;
  readonly peer: ConnectionPeer;
  /** Undefined where connections are not counted. */
  readonly place?: Place | undefined;
  /** What carried the credential that the client showed when it came, for the log. */
  readonly provedBy?: 'header' | 'sub-protocol' | 'ticket' | 'certificate' | undefined;
  /** Whether the client may prove itself by an `authenticate` message. */
  readonly takesAuthenticate?: boolean | undefined;
  /** Bytes that may wait for the client before it is cut off; without it there is no such limit. */
  readonly maxUnreadBytes?: number | undefined;
}

/** What ties a connection to the rest of the server. */
export interface ConnectionTies {
  stopWatching?: () => void;
  stopListening?: () => void;
  /** Whether its session is tied to it. */
  hasSession?: boolean;
  /** Whether the last message was over the limit of how often. */
  isLimited?: boolean;
}
