import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../audit/index.js';
import { type HealthFinding, type HealthIndicator } from '../health-indicators.js';

/** Whether the audit file can be written, where there is one: where it is required, calls are refused otherwise. */
@Injectable()
export class AuditIndicator {
  constructor(private readonly audit: AuditLog) {}

  list(): readonly HealthIndicator[] {
    if (!this.audit.status()) return [];
    return [{ name: 'audit', priority: 'HIGH', check: () => this.check() }];
  }

  private check(): HealthFinding {
    const { isWritable = false, lost = 0 } = this.audit.status() ?? {};
    const details = { lostRecords: lost };
    if (isWritable) return { status: 'healthy', details };
    const then = this.audit.isAvailable ? 'records wait' : 'calls are refused';
    return { status: 'unhealthy', message: `The audit file cannot be written: ${then}`, details };
  }
}
