import { createServer } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

const MAX_HEADER_BYTES = 16_384;
/** How often Node looks for requests that are too slow: what a deadline may be late by. */
const CONNECTIONS_CHECK_MS = 1_000;

/** Express on a server with the limits that can only be given when it is made (W-39). */
export class GatehouseExpressAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    this.httpServer = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
      this.getInstance(),
    );
  }

  /** An idle client that keeps its connection must not hold up the end of the process. */
  override async close(): Promise<void> {
    const closed = super.close() as Promise<void>;
    this.httpServer.closeAllConnections();
    await closed;
  }
}
