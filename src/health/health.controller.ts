import { Controller, Get } from '@nestjs/common';

/** Probes for whoever runs the process. They need neither credential nor Host match (D-21). */
@Controller('health')
export class HealthController {
  /** The event loop turns: nothing more is asked, so that nothing but a dead process is restarted (W-35). */
  @Get('live')
  live(): { status: 'alive' } {
    return { status: 'alive' };
  }
}
