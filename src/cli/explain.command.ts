import { readFile } from 'node:fs/promises';
import { NestFactory } from '@nestjs/core';
import { GatehouseModule } from '../app.module.js';
import { type KeyDescription, KnownPrincipals, principalOfKey } from '../auth/index.js';
import { EXIT, isJsonObject, printable, StartError, SystemClock } from '../common/index.js';
import { type AppConfig, hostEnvironment, loadConfig } from '../config/index.js';
import { Explainer, type Explanation } from '../dispatch/index.js';
import { openState } from '../store/index.js';
import { loadPlugins } from '../tools/index.js';
import { doorless } from './doorless.js';
import type { Invocation } from './invocation.js';
import { hasKeys, withKeys } from './keys/with-keys.js';

const TOKEN_VARIABLE = 'GATEHOUSE_TOKEN';
const ANSWER_WITHIN_MS = 30_000;
/** Names that are told to whoever gave a wrong one. */
const MAX_NAMES = 50;
const OWN_FLAGS = ['args', 'url', 'token-file', 'json'];

const USAGE = `Usage: gatehouse explain <role or principal> <tool> [flags]

Says whether a call would be let in, and why. Exits 0 where it would, 1 where it would not.

  <role or principal>  such as viewer, anonymous, local, gatehouse/anonymous, or the name or id of an API key
  <tool>               such as echo, or resource:server://info, prompt:server-overview
  --args <json>        arguments, for the schema and the rules on them
  --json               the whole answer as JSON
  --url <url>          ask a running server, which knows its state; without it, the settings and plug-ins are asked
  --token-file <file>  bearer token for --url; or in ${TOKEN_VARIABLE}

All other flags are those of \`gatehouse serve\`.`;

/** What was asked. */
interface Question {
  readonly who: string;
  readonly what: string;
  readonly args: unknown;
  readonly isJson: boolean;
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
  /** Flags of the settings. */
  readonly rest: readonly string[];
}

/** `gatehouse explain`: the whole reason chain of one decision, as a dry run. */
export async function explain({ argv, cwd }: Invocation): Promise<void> {
  if (argv.includes('--help')) return end(`${USAGE}\n`, EXIT.ok);
  const question = questionOf(argv);
  const explanation = question.url === undefined ? await askSettings(question, cwd) : await askServer(question);
  const text = question.isJson ? JSON.stringify(explanation, undefined, 2) : render(explanation).join('\n');
  const note = question.url === undefined && !question.isJson ? [OFFLINE_NOTE, ''].join('\n') : '';
  await end(`${text}\n${note}`, explanation.isAllowed ? EXIT.ok : EXIT.fatal);
}

const OFFLINE_NOTE =
  'Asked of the settings alone: what a running server was told (tool states, incidents, calls) is seen with --url.';

/** @throws StartError the command line is wrong */
function questionOf(argv: readonly string[]): Question {
  const [who, what, ...flags] = argv;
  if (who === undefined || what === undefined || who.startsWith('--') || what.startsWith('--')) {
    throw new StartError('explain needs a role or principal, and a tool.', [USAGE], EXIT.usage);
  }
  const own = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as string;
    const name = flag.slice(2);
    if (!flag.startsWith('--') || !OWN_FLAGS.includes(name)) rest.push(flag);
    else own.set(name, name === 'json' ? '' : (flags[++i] ?? ''));
  }
  const args = own.get('args');
  return {
    who,
    what,
    args: args === undefined ? undefined : parsed(args),
    isJson: own.has('json'),
    url: own.get('url'),
    tokenFile: own.get('token-file'),
    rest,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new StartError('--args must be JSON.', [], EXIT.usage);
  }
}

/** The server as the settings make it, without doors and without its state folder, which may be in use. */
async function askSettings({ who, what, args, rest }: Question, cwd: string): Promise<Explanation> {
  const given = await loadConfig({ argv: rest, env: hostEnvironment(), cwd });
  const config = doorless(given);
  const { plugins, broken } = await loadPlugins(config.tools.paths, cwd);
  for (const { source, reason } of broken) process.stderr.write(`Plug-in ${source} is skipped: ${reason}\n`);
  const module = GatehouseModule.forServer(config, plugins, await openState(config, new SystemClock()));
  const app = await NestFactory.createApplicationContext(module, { abortOnError: false, logger: ['error', 'fatal'] });
  try {
    const known = app.get(KnownPrincipals, { strict: false });
    const keys = await keysOf(given);
    const principal = (await known.find(who)) ?? principalOfKey(who, keys);
    if (!principal) {
      const names = new Set([...(await known.names()), ...keys.map(({ name }) => name)]);
      const shown = [...names].slice(0, MAX_NAMES).join(', ');
      throw new StartError(
        `"${printable(who)}" is no role, key or principal that is known here: ${shown}${names.size > MAX_NAMES ? ', …' : ''}`,
        [],
        EXIT.usage,
      );
    }
    return await app.get(Explainer, { strict: false }).explain(principal, what, args);
  } finally {
    await app.close();
  }
}

/** The keys of the state of these settings, which may be in use. Who only asks makes no folder. */
async function keysOf(config: AppConfig): Promise<readonly KeyDescription[]> {
  try {
    if (!(await hasKeys(config))) return [];
    return await withKeys(config, (keys) => keys.list());
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`Keys cannot be read, so they are not known here: ${printable(error.message, 500)}\n`);
    return [];
  }
}

/** Arguments may hold secrets: they travel in a body, never in a URL. */
async function askServer({ who, what, args, url, tokenFile }: Question): Promise<Explanation> {
  const place = new URL('/admin/explain', url);
  const token = await tokenOf(tokenFile);
  const headers = { Accept: 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  const question = { principal: who, target: what };
  const asked =
    args === undefined
      ? { url: new URL(`?${new URLSearchParams(question).toString()}`, place), init: { headers } }
      : {
          url: place,
          init: {
            method: 'POST',
            headers: { ...headers, 'Content-Type': 'application/json' },
            body: JSON.stringify({ ...question, args }),
          },
        };
  try {
    const answer = await fetch(asked.url, { ...asked.init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const body = await answer.json();
    if (answer.ok && isExplanation(body)) return body;
    const detail = isJsonObject(body) && typeof body['detail'] === 'string' ? body['detail'] : 'it gave no reason';
    throw new StartError(`The server answered ${answer.status}: ${printable(detail)}`, [], EXIT.config);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `${place.origin} gave no answer that can be read: ${printable(String(error))}`,
      [],
      EXIT.config,
    );
  }
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return hostEnvironment()[TOKEN_VARIABLE];
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    throw new StartError(`The token file ${printable(file)} cannot be read.`, [], EXIT.usage);
  }
}

function isExplanation(value: unknown): value is Explanation {
  return isJsonObject(value) && Array.isArray(value['steps']) && typeof value['isAllowed'] === 'boolean';
}

/** @returns the lines for people: the verdict, then each look */
export function render({ principal, target, isAllowed, isListed, kind, steps }: Explanation): readonly string[] {
  const verdict = isAllowed ? 'allowed' : `refused: ${kind}`;
  const width = Math.max(...steps.map(({ check }) => check.length));
  return [
    `${printable(principal)} -> ${printable(target)}: ${verdict}${isListed ? '' : ', and not listed'}`,
    ...steps.map((step) => {
      const mark = step.kind ? 'no' : 'ok';
      return `  ${mark}  ${step.check.padEnd(width)}  ${printable(step.detail, 1_000)}`;
    }),
  ];
}

/** Plug-ins may leave timers behind: the process ends when the answer is out. */
async function end(text: string, code: number): Promise<void> {
  await new Promise<void>((resolve) => void process.stdout.write(text, () => resolve()));
  process.exit(code);
}
