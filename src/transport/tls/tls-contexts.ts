import { constants } from 'node:crypto';
import { createServer as createPlainServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { createServer, type SecureContextOptions, Server as TlsServer, type TLSSocket } from 'node:tls';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { SecurityLog } from '../../audit/index.js';
import { type Clock, EXIT, StartError } from '../../common/index.js';
import type { AppConfig } from '../../config/index.js';
import { handshakeOptions } from './handshake-options.js';
import { readTlsFiles, stampOf, TlsFault, type TlsMaterial } from './tls-files.js';

/** Pause between two looks at the files. */
const WATCH_MS = 5_000;
const SOON_MS = 14 * 86_400_000;

/** What the contexts need of the server around them. */
interface Surroundings {
  readonly config: AppConfig;
  readonly security: SecurityLog;
  readonly clock: Clock;
}

/**
 * Certificate, key and client CA of every listener. The files are looked at every 5 s: a new pair that is sound is used
 * for the connections that come from then on, one that is not is refused, and the old one stays.
 */
export class TlsContexts implements OnApplicationShutdown {
  private readonly logger = new Logger('Tls');
  private readonly servers = new Set<TlsServer>();
  private readonly timer: NodeJS.Timeout | undefined;
  /** State of the files when they were last tried, good or not. */
  private seen: string | undefined;
  private reloading: Promise<boolean> | undefined;

  private constructor(
    private readonly around: Surroundings,
    private material: TlsMaterial | undefined,
  ) {
    if (!material) return;
    this.seen = material.stamp;
    this.timer = setInterval(() => void this.look(), WATCH_MS).unref();
    this.logger.log(`SSL/TLS enabled with certificate: ${around.config.tls.cert}`);
    this.warnOfEnd(material);
  }

  /**
   * Reads what the settings name, where TLS is on and there is a listener to use it.
   * @throws StartError a file is missing, broken, or does not fit the others: EXIT.config
   */
  static async open(around: Surroundings): Promise<TlsContexts> {
    const { server, tls } = around.config;
    const isUsed = tls.enabled && server.transports.some((transport) => transport !== 'stdio');
    if (!isUsed) return new TlsContexts(around, undefined);
    try {
      return new TlsContexts(around, await readTlsFiles(tls));
    } catch (error) {
      if (!(error instanceof TlsFault)) throw error;
      const advice = 'Give --ssl-cert and --ssl-key, or make a pair for development: gatehouse certs';
      throw new StartError('TLS was asked for and cannot be had:', [...error.faults, advice], EXIT.config);
    }
  }

  get isEnabled(): boolean {
    return this.material !== undefined;
  }

  /**
   * Gives a server of TLS its certificate, now and whenever there is a new one, until it closes.
   * @param server not listening yet; nothing is done where TLS is off
   * @throws StartError the server is a plain one
   */
  protect(server: Server): void {
    if (!this.material) return;
    if (!(server instanceof TlsServer)) {
      throw new StartError(
        'TLS is on and the HTTP server is a plain one: make it with https.createServer, or set tls.enabled to false.',
      );
    }
    server.setSecureContext(this.contextOf(this.material));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => this.refused(error, socket));
    server.on('close', () => this.servers.delete(server));
    this.servers.add(server);
  }

  /**
   * Makes a server for a door that is no HTTP.
   * @param onConnection is given each connection, encrypted where TLS is on; the handshake is done then
   * @param options of its sockets, encrypted or not
   */
  createServer(onConnection: (socket: Socket) => void, options: ServerOpts = {}): Server {
    if (!this.material) return createPlainServer(options, onConnection);
    const server = createServer({ ...options, ...handshakeOptions(this.around.config) }, onConnection);
    this.protect(server);
    return server;
  }

  /**
   * Reads the files anew, changed or not.
   * @returns whether they are used now; if not, the old ones still are
   */
  reload(): Promise<boolean> {
    return (this.reloading ??= this.replace().finally(() => (this.reloading = undefined)));
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if ((await stampOf(this.around.config.tls)) !== this.seen) await this.reload();
  }

  private async replace(): Promise<boolean> {
    if (!this.material) return false;
    const { tls } = this.around.config;
    this.seen = await stampOf(tls);
    try {
      const material = await readTlsFiles(tls);
      for (const server of this.servers) server.setSecureContext(this.contextOf(material));
      this.material = material;
      this.seen = material.stamp;
      this.around.security.emit('config_reloaded', { keys: 'tls', fingerprint: material.leaf.fingerprint256 });
      this.logger.log(`SSL/TLS certificate taken anew: ${tls.cert}, valid until ${material.leaf.validTo}`);
      this.warnOfEnd(material);
      return true;
    } catch (error) {
      if (!(error instanceof TlsFault)) throw error;
      this.around.security.emit('config_rejected', { keys: 'tls', reason: error.message });
      this.logger.warn(`The new certificate is not used, the old one still is: ${error.message}`);
      return false;
    }
  }

  private contextOf({ cert, key, ca }: TlsMaterial): SecureContextOptions {
    const { clientAuth, minVersion } = this.around.config.tls;
    // Whoever has to prove something proves it for each connection: a session that is resumed proves nothing anew.
    const secureOptions = clientAuth === 'none' ? 0 : constants.SSL_OP_NO_TICKET;
    return { cert, key, ca, minVersion, secureOptions };
  }

  private warnOfEnd({ leaf }: TlsMaterial): void {
    const endsAt = Date.parse(leaf.validTo);
    const leftMs = endsAt - this.around.clock.now();
    if (leftMs > SOON_MS) return;
    const verb = leftMs > 0 ? 'ends' : 'has ended: clients refuse it since';
    this.logger.warn(`The certificate ${this.around.config.tls.cert} ${verb} ${leaf.validTo}`);
  }

  /** What came to nothing before a door heard of it. */
  private refused(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const unproven =
      error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' ? error.code : socket.authorizationError;
    if (!unproven) {
      this.logger.debug(`A TLS handshake failed (${error.code ?? error.message})`);
      return;
    }
    this.around.security.emit('invalid_auth', {
      ip: socket.remoteAddress,
      reason: `client certificate: ${String(unproven)}`,
    });
  }
}
