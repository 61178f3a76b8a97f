import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { MetricsRecorder } from '../metrics/index.js';

/** Counts security events, those too of which a flood leaves no line in the log. */
@Injectable()
export class EventCounts implements OnApplicationShutdown {
  private readonly stop: () => void;

  constructor(security: SecurityLog, metrics: MetricsRecorder) {
    this.stop = security.onEvent(({ event, details }) => metrics.securityEvent(event, details['transport']));
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}
