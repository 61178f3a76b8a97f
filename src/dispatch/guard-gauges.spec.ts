import { describe, expect, it } from '@jest/globals';
import { RecordingAuditLog, ToolWorld } from '../../test/support/tool-world.js';
import { AuditLog, type AuditStatus } from '../audit/index.js';
import { Instruments } from '../metrics/instruments.js';
import { GuardGauges } from './guard-gauges.js';

class FileLog extends RecordingAuditLog {
  override status(): AuditStatus {
    return { isWritable: false, waiting: 120, lost: 3, head: undefined };
  }
}

function figures(audit: AuditLog): Record<string, unknown> {
  const world = new ToolWorld();
  for (const caller of ['a', 'b']) world.rates.takeMessage(caller);
  const instruments = new Instruments();
  new GuardGauges(instruments, world.rates, audit);
  return Object.fromEntries(
    instruments.families.map((family) => [family.name, family.samples().map(({ labels, value }) => [labels, value])]),
  );
}

describe('GuardGauges', () => {
  it('W-25 shows how many keys rates remember, and how the audit file stands', () => {
    expect(figures(new FileLog())).toEqual({
      mcp_rate_limit_keys: [
        [{ kind: 'messages' }, 2],
        [{ kind: 'connections' }, 0],
        [{ kind: 'runs' }, 0],
      ],
      mcp_audit_writable: [[{}, 0]],
      mcp_audit_waiting_characters: [[{}, 120]],
      mcp_audit_lost_records_total: [[{}, 3]],
    });
  });

  it('says nothing of an audit file that there is not', () => {
    expect(figures(new RecordingAuditLog())).toMatchObject({
      mcp_audit_writable: [],
      mcp_audit_lost_records_total: [],
    });
  });
});
