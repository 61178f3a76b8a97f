import { parseArgs, type ParseArgsConfig } from 'node:util';
import { auditPath, searchAudit, verifyAudit } from '../audit/index.js';
import { EXIT, StartError } from '../common/index.js';
import { hostEnvironment, loadConfig } from '../config/index.js';
import { timeOf } from './audit-time.js';
import { tailAudit } from './audit-tail.js';
import type { Invocation } from './invocation.js';

const USAGE = `Usage: gatehouse audit <verify|tail|search> [file] [flags]

  verify   Walk the chain through all files of the log; names the first line that is not as it was written
             --expect <hash>      a record that must be there: of the last one, also what was cut off is found
  tail     Show the newest records
             -n, --lines <count>  how many, 10 when left out
             -f, --follow         and those that come
  search   Print the records that fit all that is given, as they stand in the log; * stands for anything
             --principal --target --outcome --kind --type --request <text>
             --since --until <time>   ISO 8601, or how long ago: 90s, 15m, 2h, 7d

The file is that of MCP_AUDIT_FILE when left out.`;

const FLAGS = {
  help: { type: 'boolean' },
  expect: { type: 'string' },
  lines: { type: 'string', short: 'n' },
  follow: { type: 'boolean', short: 'f' },
  principal: { type: 'string' },
  target: { type: 'string' },
  outcome: { type: 'string' },
  kind: { type: 'string' },
  type: { type: 'string' },
  request: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

type Flags = ReturnType<typeof parse>['values'];

const MAX_LINES = 100_000;
const DEFAULT_LINES = 10;

/**
 * `gatehouse audit`: reads the audit log, of a running server too. Ends with 1 where `verify` finds a fault, or `search`
 * nothing.
 */
export async function audit({ argv, cwd }: Invocation): Promise<void> {
  const { values, positionals } = parse(argv);
  const [task, file, ...more] = positionals;
  if (values.help || task === undefined) return print(USAGE);
  if (more.length > 0) throw usageError(`One file at a time, not also ${more.join(', ')}.`);
  const path = file ?? (await fileOfSettings(cwd));
  // A reader that leaves early (`| head`) has what it wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT.ok);
  });
  try {
    await run(task, path, values);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR') throw error;
    throw new StartError(`The audit log ${path} cannot be read (${code}).`);
  }
}

async function run(task: string, path: string, flags: Flags): Promise<void> {
  switch (task) {
    case 'verify':
      return verify(path, flags.expect);
    case 'tail':
      return tailAudit(path, { lines: countOf(flags.lines), isFollowing: flags.follow ?? false });
    case 'search':
      return search(path, flags);
    default:
      throw usageError(`There is no "gatehouse audit ${task}".`);
  }
}

async function verify(path: string, expected: string | undefined): Promise<void> {
  const { files, records, first, last, fault } = await verifyAudit(path, expected);
  if (fault !== undefined) {
    process.stderr.write(`${fault}\n`);
    process.stderr.write(
      `Up to there: ${records} records in order, the last is ${last?.seq ?? 0} ${last?.hash ?? ''}\n`,
    );
    process.exitCode = EXIT.fatal;
    return;
  }
  if (!last) {
    process.stderr.write(`${path} holds no record\n`);
    process.exitCode = EXIT.fatal;
    return;
  }
  print(`${records} records in ${files} files are as they were written: ${first?.seq} to ${last.seq}.`);
  print(`The last has the hash ${last.hash}. Keep it elsewhere: --expect finds out whether it is still there.`);
}

async function search(path: string, flags: Flags): Promise<void> {
  const { principal, target, outcome, kind, type, request: requestId } = flags;
  const [since, until] = [flags.since, flags.until].map((text) => (text === undefined ? undefined : pointOf(text)));
  let count = 0;
  for await (const line of searchAudit(path, { principal, target, outcome, kind, type, requestId, since, until })) {
    count += 1;
    print(line);
  }
  if (count === 0) process.exitCode = EXIT.fatal;
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

async function fileOfSettings(cwd: string): Promise<string> {
  const { audit: settings } = await loadConfig({ argv: [], env: hostEnvironment(), cwd });
  if (settings.file === undefined) throw usageError('MCP_AUDIT_FILE is not set: name the file.');
  return auditPath(settings.file);
}

function pointOf(text: string): number {
  const point = timeOf(text, Date.now());
  if (point === undefined)
    throw usageError(`"${text}" is no time: write 2026-01-31T12:00:00Z, or 15m for 15 minutes ago.`);
  return point;
}

function countOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= MAX_LINES) return count;
  throw usageError(`"${text}" is no number of lines: 0 to ${MAX_LINES}.`);
}

function usageError(message: string): StartError {
  return new StartError(message, [USAGE], EXIT.usage);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
