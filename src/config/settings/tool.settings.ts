import { Bool, Int, List } from '../setting.decorators.js';

/** Which tools there are, and how they run. */
export class ToolSettings {
  @List({ env: 'TOOL_INCLUDE', flag: 'tools', default: [], doc: 'Tools to enable; empty means all.' })
  readonly include!: readonly string[];

  @List({
    env: 'TOOL_EXCLUDE',
    flag: 'exclude-tools',
    default: [],
    doc: 'Tools to switch off; wins over the list above.',
  })
  readonly exclude!: readonly string[];

  @List({ env: 'MCP_TOOLS_PATH', flag: 'tools-path', default: [], doc: 'Folders, files or packages of plug-ins.' })
  readonly paths!: readonly string[];

  @Int({
    env: 'MCP_DEFAULT_TIMEOUT_SEC',
    default: 300,
    min: 1,
    max: 3_600,
    unit: 's',
    doc: 'Deadline of a call whose tool sets none.',
  })
  readonly defaultTimeoutSec!: number;

  @Int({
    env: 'MCP_DEFAULT_CONCURRENCY',
    default: 2,
    min: 1,
    max: 100,
    doc: 'Runs at once of a command tool that sets no number.',
  })
  readonly defaultConcurrency!: number;

  @Int({
    env: 'MCP_IDEMPOTENCY_TTL_SEC',
    default: 86_400,
    min: 1,
    max: 2_592_000,
    unit: 's',
    doc: 'How long the result of a call with an idempotency key is kept for whoever repeats it.',
  })
  readonly idempotencyTtlSec!: number;

  @Bool({
    env: 'MCP_EXPOSE_TOOL_ERRORS',
    default: false,
    doc: 'Show callers the message of any error that a tool throws, not only of ToolError.',
  })
  readonly exposeErrors!: boolean;

  @Int({ env: 'MCP_MAX_ARGS_LEN', default: 2_048, min: 1, max: 10_240, unit: 'B', doc: 'Length of a command line.' })
  readonly maxArgsBytes!: number;

  @Int({
    env: 'MCP_MAX_STDOUT_BYTES',
    default: 1_048_576,
    min: 1_024,
    max: 10_485_760,
    unit: 'B',
    doc: 'Output of a command that is kept.',
  })
  readonly maxStdoutBytes!: number;

  @Int({
    env: 'MCP_MAX_STDERR_BYTES',
    default: 262_144,
    min: 1_024,
    max: 10_485_760,
    unit: 'B',
    doc: 'Error output of a command that is kept.',
  })
  readonly maxStderrBytes!: number;

  @List({
    env: 'MCP_FILES_ROOTS',
    default: [],
    format: 'path',
    doc: 'Folders that list_files may show; empty means the start folder.',
  })
  readonly filesRoots!: readonly string[];

  @Int({ env: 'MCP_FILES_MAX_ENTRIES', default: 1_000, min: 1, max: 100_000, doc: 'Entries that list_files shows.' })
  readonly filesMaxEntries!: number;

  @Bool({
    env: 'MCP_RUN_COMMAND_ENABLED',
    default: false,
    doc: 'Offer run_command to admins, for the commands listed below.',
  })
  readonly runCommandEnabled!: boolean;

  @List({ env: 'MCP_RUN_COMMAND_ALLOW', default: [], doc: 'Commands that run_command may start, by name.' })
  readonly runCommandAllow!: readonly string[];

  @Int({
    env: 'MCP_RUN_COMMAND_TIMEOUT_SEC',
    default: 10,
    min: 1,
    max: 300,
    unit: 's',
    doc: 'Deadline of run_command.',
  })
  readonly runCommandTimeoutSec!: number;
}
