import { Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { MetricsRecorder } from '../../metrics/index.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { ENDING } from './ending.js';

/** What operators read of connections: lines of the log (S0-16, S3-3) and security events (REQUIREMENTS 6.1). */
@Injectable()
export class ConnectionJournal {
  private readonly logger = new Logger('Connections');

  constructor(
    private readonly security: SecurityLog,
    private readonly metrics: MetricsRecorder,
  ) {}

  /** A client is there, and has yet to prove itself (S3-3). */
  connecting({ id, connectionKey, door }: DuplexConnection): void {
    this.metrics.connections(door).add();
    this.logger.debug(`Connection ${id} of ${connectionKey} is connecting: ${door}`);
  }

  /** A client has proved itself, or need not. */
  connected(connection: DuplexConnection): void {
    const { id, connectionKey, principal } = connection;
    this.logger.log(`Client connected: ${connectionKey} (ID: ${id})`);
    this.security.emit('connection_established', {
      ...factsOf(connection),
      principal: `${principal.issuer}/${principal.subject}`,
    });
  }

  /** A client left, or was sent away. @param cancelled calls that ended with it */
  disconnected(connection: DuplexConnection, cancelled: number): void {
    const { id, connectionKey, ended, session } = connection;
    if (!ended?.byServer) this.logger.log(`Client disconnected: ${connectionKey}`);
    this.logger.debug(`Connection ${id} is disconnected: ${ended?.ending.code} ${ended?.ending.reason}`);
    // One that does not read may have been the last to know.
    if (ended?.ending === ENDING.unread) this.failed(connection, ended.ending.reason);
    if (cancelled > 0) {
      const name = session?.idHash ?? id;
      this.logger.log(`Canceled active requests for disconnected session ${name}: ${cancelled}`);
    }
  }

  /** The socket is closed. @param durationMs since it was opened */
  closed(connection: DuplexConnection, durationMs: number): void {
    this.logger.log(`Connection closed: ${connection.connectionKey}`);
    const code = connection.ended?.ending.code;
    this.security.emit('connection_closed', { ...factsOf(connection), durationMs: Math.round(durationMs), code });
  }

  /** Nothing was heard for too long. @param idleMs since the last message */
  timedOut(connection: DuplexConnection, idleMs: number): void {
    this.security.emit('connection_timeout', { ...factsOf(connection), idleMs: Math.round(idleMs) });
  }

  /** A client does what it may not, or does not what it must. @param error in our words, or those of a library */
  failed(connection: DuplexConnection, error: string): void {
    this.security.emit('websocket_error', { ...factsOf(connection), error });
  }

  tooLarge(connection: DuplexConnection, sizes: { readonly bytes: number; readonly limit: number }): void {
    this.security.emit('message_too_large', { ...factsOf(connection), ...sizes });
  }

  /** @param method how the credential came: the carrier, not what it was */
  authenticated(connection: DuplexConnection, method: string): void {
    const { issuer, subject } = connection.principal;
    this.security.emit('auth_success', { ...factsOf(connection), principal: `${issuer}/${subject}`, method });
  }

  tooOften(connection: DuplexConnection): void {
    this.logger.warn(`Rate limit exceeded for client: ${connection.connectionKey}`);
  }

  status(activeClients: number, callersOverHalf: number): void {
    this.logger.log(`Connection status: ${activeClients} active clients`);
    this.logger.log(`Rate limit status: ${callersOverHalf} clients over 50% of rate limit`);
  }
}

function factsOf({ door, id, peer }: DuplexConnection): {
  transport: string;
  clientId: string;
  ip: string | undefined;
} {
  return { transport: door, clientId: id, ip: peer.address };
}
