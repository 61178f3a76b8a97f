import type { IncomingMessage, ServerResponse } from 'node:http';
import { Get, Req, Res } from '@nestjs/common';
import { GatehouseController, Public, RouteAccess } from '../auth/index.js';
import { isGatehouseError, Lifecycle, newRequestId, problemOf } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { Unthrottled } from '../limits/index.js';
import { StoreHealth } from '../store/index.js';
import { HealthReporter } from './health-reporter.js';

const OK = 200;
const UNAVAILABLE = 503;

/** Probes for whoever runs the process. They need neither credential nor Host match (D-21). */
@Public()
@Unthrottled()
@GatehouseController('health')
export class HealthController {
  constructor(
    private readonly reporter: HealthReporter,
    private readonly lifecycle: Lifecycle,
    private readonly access: RouteAccess,
    private readonly config: AppConfig,
    private readonly store: StoreHealth,
  ) {}

  /** How everything does: 200, 207 where it is degraded, 503 where it is not healthy (S4-3). */
  @Get()
  async health(@Req() req: IncomingMessage, @Res() res: ServerResponse): Promise<void> {
    let isFull: boolean;
    try {
      isFull = await this.access.mayAlso(req, 'read:health');
    } catch (error) {
      if (!isGatehouseError(error)) throw error;
      const { kind, message, data } = error;
      const problem = problemOf({ kind, message, data, requestId: newRequestId() });
      res.writeHead(problem.status, problem.headers).end(JSON.stringify(problem.body));
      return;
    }
    const { status: health, full, brief } = await this.reporter.report();
    const degraded = Number(this.config.health.degradedCode);
    const status = { healthy: OK, degraded, unhealthy: UNAVAILABLE }[health];
    send(res, status, isFull ? { ...full, port: req.socket.localPort } : brief);
  }

  /** The event loop turns: nothing more is asked, so that nothing but a dead process is restarted (W-35). */
  @Get('live')
  live(@Res() res: ServerResponse): void {
    send(res, OK, { status: 'alive' });
  }

  /**
   * Whether this process takes work. Traffic has no say in it, nor have the checks: other replicas share their fate.
   * Without its store it takes work, and says so (D-23).
   */
  @Get('ready')
  ready(@Res() res: ServerResponse): void {
    if (this.lifecycle.isReady) {
      return send(res, OK, this.store.state === 'down' ? { status: 'degraded', reason: 'store' } : { status: 'ready' });
    }
    send(res, UNAVAILABLE, { status: 'not_ready', reason: this.lifecycle.isStopping ? 'ending' : 'starting' });
  }
}

function send(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  res.end(JSON.stringify(body));
}
