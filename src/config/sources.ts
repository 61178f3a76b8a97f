import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { isServiceLink, strangeNames } from './env-names.js';
import { readText } from './read-text.js';
import { type Given, NOTHING, type Reading } from './reading.js';
import { SETTINGS } from './schema.js';
import type { Setting } from './setting-spec.js';
import { overrideKeyOfEnv } from './tool-overrides.js';

/** Environment variables as the process, or a `.env` file, has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which environment is read, and from which folder relative paths start. */
interface EnvironmentPlace {
  readonly source: 'env' | '.env';
  readonly cwd: string;
}

/**
 * Reads settings, their aliases, secrets by file and overrides of tools. An empty variable counts as not set, as
 * container tools pass one for what nobody filled in.
 */
export async function readEnvironment(env: Environment, place: EnvironmentPlace): Promise<Reading> {
  const variables = new Map(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, value] as const],
    ),
  );
  const given = new Map<string, Given>();
  const faults: string[] = [];
  const warnings = [...strangeNames(variables)];
  for (const setting of SETTINGS) {
    if (setting.secret) {
      const secret = await readSecret(setting, variables, place);
      if (typeof secret === 'string') faults.push(secret);
      else if (secret) given.set(setting.key, secret);
      continue;
    }
    const names = [setting.env, ...(setting.aliases ?? [])].filter((name) => isSetting(name, variables));
    const [name] = names;
    if (name === undefined) continue;
    given.set(setting.key, variable(name, variables, place));
    for (const old of names) if (old !== setting.env) warnings.push(aliasUsed(setting, old, name));
  }
  for (const name of variables.keys()) {
    const key = overrideKeyOfEnv(name);
    if (key !== undefined && isSetting(name, variables)) given.set(key, variable(name, variables, place));
  }
  return { given, faults, warnings };
}

/**
 * Reads `.env` in a folder.
 * @returns nothing when there is no such file
 */
export async function readDotEnv(cwd: string): Promise<Reading> {
  const { text, code } = await readText(join(cwd, '.env'));
  if (text !== undefined) return readEnvironment(parseEnv(text), { source: '.env', cwd });
  return code === 'ENOENT' ? NOTHING : { ...NOTHING, faults: [`.env cannot be read (${code})`] };
}

function isSetting(name: string, variables: ReadonlyMap<string, string>): boolean {
  const value = variables.get(name);
  return value !== undefined && !isServiceLink(name, value);
}

function variable(name: string, variables: ReadonlyMap<string, string>, { source }: EnvironmentPlace): Given {
  return { raw: variables.get(name), source, where: `${name} in ${source === 'env' ? 'the environment' : '.env'}` };
}

/** @returns undefined when not set; text is the fault */
async function readSecret(
  setting: Setting,
  variables: ReadonlyMap<string, string>,
  place: EnvironmentPlace,
): Promise<Given | string | undefined> {
  const fileVariable = `${setting.env}_FILE`;
  const path = variables.get(fileVariable);
  if (path === undefined) return variables.has(setting.env) ? variable(setting.env, variables, place) : undefined;
  if (variables.has(setting.env)) return `${setting.env} and ${fileVariable} are both set; keep one`;
  const { text, code } = await readText(resolve(place.cwd, path));
  if (text === undefined) return `The file of ${fileVariable} cannot be read (${code})`;
  return { raw: text.replace(/\r?\n$/, ''), source: place.source, where: `The file of ${fileVariable}` };
}

function aliasUsed(setting: Setting, old: string, read: string): string {
  const what = old === read ? 'it is read, set the new name' : `it is not read, as ${read} is set too`;
  return `config.deprecated old=${old} new=${setting.env}: ${what}`;
}
