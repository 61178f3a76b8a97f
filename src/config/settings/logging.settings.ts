import { Enum, Int, Path } from '../setting.decorators.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export const LOG_FORMATS = ['json', 'logfmt', 'text'] as const;

/** What is written down. */
export class LoggingSettings {
  @Enum({
    env: 'MCP_LOG_LEVEL',
    flag: 'log-level',
    default: 'info',
    values: LOG_LEVELS,
    synonyms: { warning: 'warn', critical: 'fatal' },
    aliases: ['MCP_LOGGING_LEVEL', 'LOG_LEVEL'],
    doc: 'Least severe line that is written, always to stderr.',
  })
  readonly level!: (typeof LOG_LEVELS)[number];

  @Enum({ env: 'MCP_LOG_FORMAT', flag: 'log-format', default: 'json', values: LOG_FORMATS, doc: 'Form of a log line.' })
  readonly format!: (typeof LOG_FORMATS)[number];

  @Path({ env: 'MCP_LOGGING_FILE_PATH', doc: 'File to which every line of the log is appended too.' })
  readonly filePath?: string;

  @Int({
    env: 'MCP_LOGGING_MAX_FILE_SIZE',
    default: 10_485_760,
    min: 1_024,
    max: 104_857_600,
    unit: 'B',
    doc: 'Size at which the log file is put aside and a new one is begun.',
  })
  readonly maxFileBytes!: number;

  @Int({
    env: 'MCP_LOGGING_BACKUP_COUNT',
    default: 5,
    min: 0,
    max: 100,
    doc: 'Log files that are kept beside the current one, as <file>.1 (the newest) and so on.',
  })
  readonly backupCount!: number;

  @Path({
    env: 'MCP_SECURITY_LOG_FILE',
    doc: 'File to which security events are appended too; they are on stderr in any case.',
  })
  readonly securityFile?: string;
}
