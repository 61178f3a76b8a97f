import type { DropArgument, Server } from 'node:net';
import type { SecurityLog } from '../../audit/index.js';
import type { Door } from '../../dispatch/index.js';

/** Sockets above a cap that are taken all the same: so many clients at once can be told why they are sent away. */
export const ROOM_TO_REFUSE = 1_000;

/**
 * Bounds the file descriptors that a listener takes, in whatever state its sockets are: in a handshake, on their way out,
 * or silent. One more is closed unheard.
 * @param max >= 1
 */
export function capSockets(
  server: Server,
  max: number,
  told: { readonly security: SecurityLog; readonly door: Door },
): void {
  server.maxConnections = max;
  server.on('drop', (dropped?: DropArgument) =>
    told.security.emit('connection_limit', { transport: told.door, ip: dropped?.remoteAddress, limit: max }),
  );
}
