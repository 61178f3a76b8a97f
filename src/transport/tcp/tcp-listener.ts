import type { Server } from 'node:net';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { explainListenError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Connections } from '../connections/connections.js';
import { HeldDoor } from '../connections/held-door.js';
import { capSockets, ROOM_TO_REFUSE } from '../connections/socket-cap.js';
import { Doors } from '../door.js';
import { TlsContexts } from '../tls/tls-contexts.js';
import { TcpDoor } from './tcp-door.js';

/** When the operating system begins to ask a silent peer whether it lives. */
const KEEP_ALIVE_DELAY_MS = 30_000;

/** Half open: what is owed to a client that has nothing more to say is still sent. */
const SOCKETS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS };

/** Opens the TCP door where the settings want it, over TLS where that is on. */
@Injectable()
export class TcpListener implements OnApplicationBootstrap {
  private readonly logger = new Logger('Tcp');
  private server: Server | undefined;

  constructor(
    private readonly door: TcpDoor,
    private readonly connections: Connections,
    private readonly tls: TlsContexts,
    private readonly doors: Doors,
    private readonly config: AppConfig,
    private readonly security: SecurityLog,
  ) {}

  /** @throws StartError the port cannot be had */
  async onApplicationBootstrap(): Promise<void> {
    if (this.config.server.transports.includes('tcp')) await this.listen();
  }

  /** Port that the listener got; undefined while it is not open. */
  get port(): number | undefined {
    const address = this.server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  private async listen(): Promise<void> {
    const { host, tcpPort: port } = this.config.server;
    const { maxConnections, tcpMaxConnections } = this.config.limits;
    const server = this.tls.createServer((socket) => this.door.take(socket), SOCKETS);
    // Those of a handshake that is not done, or of a client that was told to go, have no place yet, or no more.
    const max = Math.min(maxConnections, tcpMaxConnections) + ROOM_TO_REFUSE;
    capSockets(server, max, { security: this.security, door: 'tcp' });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (error) {
      throw explainListenError(error, { host, port, setBy: '--tcp-port' });
    }
    server.on('error', (error) => this.logger.error('The listener failed', error.stack));
    this.server = server;
    this.doors.register(new HeldDoor('tcp', this.connections, () => server.close()));
  }
}
