import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { StartError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { needsHttp } from '../families.js';
import { HttpLane } from './http-lane.js';

/**
 * Looks whether the application was attached. One with HTTP is asked before it does anything else: a gateway without an
 * adapter would end the process with words about a package that nobody needs [ran].
 * @see DESIGN D-16
 */
@Injectable()
export class Attachment implements OnApplicationBootstrap {
  constructor(
    host: HttpAdapterHost,
    private readonly lane: HttpLane,
    private readonly config: AppConfig,
  ) {
    const adapter = host.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (!adapter) return;
    const init = adapter.init?.bind(adapter);
    adapter.init = async (): Promise<void> => {
      this.require();
      await init?.();
    };
  }

  /** @throws StartError HTTP is to be served, and no server was given */
  onApplicationBootstrap(): void {
    if (needsHttp(this.config)) this.require();
  }

  /** @throws StartError no server was given */
  private require(): void {
    if (this.lane.isAttached) return;
    throw new StartError('GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().');
  }
}
