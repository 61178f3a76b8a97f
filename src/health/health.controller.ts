import { Get } from '@nestjs/common';
import { GatehouseController, Public } from '../auth/index.js';

/** Probes for whoever runs the process. They need neither credential nor Host match (D-21). */
@Public()
@GatehouseController('health')
export class HealthController {
  /** The event loop turns: nothing more is asked, so that nothing but a dead process is restarted (W-35). */
  @Get('live')
  live(): { status: 'alive' } {
    return { status: 'alive' };
  }
}
