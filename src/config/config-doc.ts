import { OLD_NAMES } from './old-names.js';
import { GROUP_SETTINGS, SETTINGS } from './schema.js';
import { expectation, type Setting } from './setting-spec.js';
import { OVERRIDE_SETTINGS } from './tool-overrides.js';

const ENV_HEADER = `# Every setting of gatehouse with its default, read from .env in the folder where the server starts.
# Generated from the schema by scripts/generate-docs.mjs: edit src/config/settings instead.
# Deadlines, runs at once and runs per minute of single tools: see docs/configuration.md.
`;

const DOC_HEADER = `# Configuration

<!-- Generated from the schema by scripts/generate-docs.mjs: edit src/config/settings instead. -->

A setting is taken from the first of these that has it:

1. a flag of \`gatehouse serve\`: \`--port 8080\` or \`--port=8080\`; lists as \`--tools a b\`, \`--tools a,b\` or repeated;
2. the environment; an empty variable counts as not set;
3. \`.env\` in the start folder, under the same names;
4. the settings file (\`--config\`, \`MCP_CONFIG_FILE\`), JSON or YAML: keys nested (\`server: { port: 8080 }\`) or dotted
   (\`server.port: 8080\`);
5. the default.

Lists replace one another, they are not joined. A number out of range is clamped with a warning, unless the table says
that it is refused. Anything else that does not fit ends the start with exit code 78 and a list of every fault; a wrong
flag with 64. Unknown keys of the file and unknown flags are refused; unknown \`MCP_*\` and \`TOOL_*\` variables are warned
about. Every secret can also stand in a file: \`<variable>_FILE\` names it, one newline at its end is dropped.

When a host or a port is given by flag or variable and no transport, \`http\` is served. A host that is not loopback
needs authentication, which is then on ([authentication.md](authentication.md)), or \`MCP_ALLOW_UNAUTHENTICATED\`.
`;

/** Text of `.env.example`: every setting, commented out, with its default. */
export function renderEnvExample(): string {
  const groups = [...GROUP_SETTINGS].map(([group, settings]) => {
    const entries = settings.map((setting) => `# ${docOf(setting)}\n# ${setting.env}=${defaultOf(setting)}\n`);
    return [`# --- ${group} ---\n`, ...entries].join('\n');
  });
  return [ENV_HEADER, ...groups].join('\n');
}

/** Text of `docs/configuration.md`. */
export function renderConfigurationDoc(): string {
  const groups = [...GROUP_SETTINGS].map(([group, settings]) => `## ${group}\n\n${settingsTable(settings)}`);
  const overrides = `## One tool

\`<NAME>\` is the name of the tool in upper case with \`_\` for all but letters and digits; in the settings file the tool's
own name may be used.

${settingsTable(OVERRIDE_SETTINGS)}`;
  const oldNames = `## Names that are not read any more

Setting one of these gives a warning that names the new one. A new name without a row above is not in this version yet.

${table(
  ['Old variable', 'New variable'],
  [...OLD_NAMES].map(([old, name]) => [code(old), name === null ? 'none' : code(name)]),
)}`;
  return [DOC_HEADER, ...groups, overrides, oldNames].join('\n');
}

/** The flags of `gatehouse serve` for its help, one a line. */
export function renderFlagHelp(): string {
  const flags = SETTINGS.flatMap((setting) => (setting.flag ? [[flagUse(setting), docOf(setting)] as const] : []));
  const width = Math.max(...flags.map(([use]) => use.length));
  return flags.map(([use, doc]) => `  ${use.padEnd(width)}  ${doc}\n`).join('');
}

function settingsTable(settings: readonly Setting[]): string {
  const head = ['Key', 'Variable', 'Flag', 'Default', 'Unit', 'Range', 'What it does'];
  return table(
    head,
    settings.map((setting) => [
      setting.notInFile ? '–' : code(setting.key),
      code(setting.env),
      setting.flag ? code(`--${setting.flag}`) : '–',
      code(defaultOf(setting)) || '–',
      (setting.kind === 'int' && setting.unit) || '–',
      rangeOf(setting),
      docOf(setting),
    ]),
  );
}

function rangeOf(setting: Setting): string {
  if (setting.kind !== 'int') return expectation(setting);
  return `${setting.min} to ${setting.max}${setting.strict ? ', else refused' : ''}`;
}

function defaultOf({ default: value }: Setting): string {
  return value === undefined ? '' : String(value);
}

function docOf({ doc, env, secret, aliases }: Setting): string {
  const file = secret ? ` Secret; ${env}_FILE may name a file that holds it.` : '';
  return `${doc}${file}${aliases ? ` Also read from ${aliases.join(', then ')}.` : ''}`;
}

function flagUse({ flag, kind }: Setting): string {
  const values = { bool: '', list: ' <value...>', int: ' <number>', enum: ' <value>', text: ' <value>' } as const;
  return `--${flag}${values[kind]}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('');
}

function code(text: string): string {
  return text && `\`${text}\``;
}
