import { Enum, Path } from '../setting.decorators.js';

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

  @Path({
    env: 'MCP_SECURITY_LOG_FILE',
    doc: 'File to which security events are appended too; they are on stderr in any case.',
  })
  readonly securityFile?: string;
}
