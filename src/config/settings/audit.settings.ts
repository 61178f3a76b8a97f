import { Bool, Enum, Int, Path } from '../setting.decorators.js';

export const AUDITED_ARGUMENTS = ['none', 'digest', 'redacted'] as const;

/** The record of who did what. */
export class AuditSettings {
  @Path({
    env: 'MCP_AUDIT_FILE',
    doc: 'File of the audit log, of this process alone: `{host}` and `{pid}` in it are filled in. Unset, calls go to the log.',
  })
  readonly file?: string;

  @Bool({
    env: 'MCP_AUDIT_REQUIRED',
    default: false,
    doc: 'Refuse calls while the audit log cannot be written.',
  })
  readonly required!: boolean;

  @Bool({
    env: 'MCP_AUDIT_STARTS',
    default: false,
    doc: 'Write a record also when a call begins, so that one that never ended is known.',
  })
  readonly starts!: boolean;

  @Enum({
    env: 'MCP_AUDIT_ARGUMENTS',
    default: 'digest',
    values: AUDITED_ARGUMENTS,
    doc: 'What is kept of arguments: nothing, a salted digest, or the arguments without what looks like a secret.',
  })
  readonly keepArguments!: (typeof AUDITED_ARGUMENTS)[number];

  @Int({
    env: 'MCP_AUDIT_MAX_FILE_SIZE',
    default: 52_428_800,
    min: 1_024,
    max: 1_073_741_824,
    unit: 'B',
    doc: 'Size at which the files of the audit log and of the security log are rotated.',
  })
  readonly maxFileBytes!: number;

  @Int({
    env: 'MCP_AUDIT_BACKUP_COUNT',
    default: 20,
    min: 0,
    max: 1_000,
    doc: 'Rotated files that are kept of each; the oldest is deleted.',
  })
  readonly backupCount!: number;
}
