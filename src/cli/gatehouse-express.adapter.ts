import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { AppConfig } from '../config/index.js';
import { handshakeOptions } from '../transport/index.js';

const MAX_HEADER_BYTES = 16_384;
/** How often Node looks for requests that are too slow: what a deadline may be late by. */
const CONNECTIONS_CHECK_MS = 1_000;
/** Time that answers which are on their way get to arrive when the server closes, and the pause between two looks. */
const LINGER_MS = 1_000;
const LOOK_MS = 20;

/** Express on a server with what can only be given when it is made: limits (W-39), and TLS where it is on (S0-14). */
export class GatehouseExpressAdapter extends ExpressAdapter {
  constructor(private readonly config: AppConfig) {
    super();
    // What runs here is for those who ask with a reason.
    this.getInstance<{ disable: (setting: string) => void }>().disable('x-powered-by');
  }

  override initHttpServer(): void {
    const options = { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: CONNECTIONS_CHECK_MS };
    this.httpServer = this.config.tls.enabled
      ? // The certificate comes when the application has it, before the server listens.
        createSecureServer({ ...options, ...handshakeOptions(this.config) }, this.getInstance())
      : createServer(options, this.getInstance());
  }

  /** An idle client that keeps its connection must not hold up the end of the process, nor a slow one. */
  override async close(): Promise<void> {
    const server = this.httpServer;
    let isClosed = false;
    const closed = (super.close() as Promise<void>).finally(() => (isClosed = true));
    for (let waited = 0; waited < LINGER_MS && !isClosed; waited += LOOK_MS) {
      server.closeIdleConnections();
      await Promise.race([closed, pause(LOOK_MS)]);
    }
    server.closeAllConnections();
    await closed;
  }
}
