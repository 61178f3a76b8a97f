import { Injectable } from '@nestjs/common';
import { AuditLog } from '../audit/index.js';
import { RateLimiter } from '../limits/index.js';
import { Instruments, type Sample } from '../metrics/index.js';

/** Figures of what guards the server: the tables of the rates, and the audit log where it has a file. */
@Injectable()
export class GuardGauges {
  constructor(
    instruments: Instruments,
    rates: RateLimiter,
    private readonly audit: AuditLog,
  ) {
    const keys = { name: 'mcp_rate_limit_keys', help: 'Keys that rates remember.', labels: ['kind'] };
    instruments.gauge(keys, () =>
      Object.entries(rates.trackedKeys()).map(([kind, value]) => ({ labels: { kind }, value: value as number })),
    );
    instruments.gauge({ name: 'mcp_audit_writable', help: '1 while the audit file can be written.' }, () =>
      this.ofAudit(({ isWritable }) => Number(isWritable)),
    );
    const waiting = { name: 'mcp_audit_waiting_characters', help: 'What waits to be written to the audit file.' };
    instruments.gauge(waiting, () => this.ofAudit(({ waiting: characters }) => characters));
    const lost = { name: 'mcp_audit_lost_records_total', help: 'Records that waited too long, and are lost for good.' };
    instruments.total(lost, () => this.ofAudit(({ lost: records }) => records));
  }

  private ofAudit(read: (status: NonNullable<ReturnType<AuditLog['status']>>) => number): Sample[] {
    const status = this.audit.status();
    return status ? [{ labels: {}, value: read(status) }] : [];
  }
}
