import type { Setting } from './setting-spec.js';
import { settingsUnder } from './schema.js';
import { ToolOverride } from './settings/tool-override.settings.js';

/** Where overrides stand in the settings file: `toolOverrides.<tool>.<property>`. */
export const OVERRIDES = 'toolOverrides';

/** The settings of an override, with `<NAME>` in place of the tool; for the docs. */
export const OVERRIDE_SETTINGS = settingsUnder(`${OVERRIDES}.<NAME>`, ToolOverride);

const BY_SUFFIX = new Map(OVERRIDE_SETTINGS.map((setting) => [setting.env.slice('TOOL_<NAME>_'.length), setting]));
const ENV_NAME = new RegExp(`^TOOL_([A-Z0-9_]+?)_(${[...BY_SUFFIX.keys()].join('|')})$`);

/** The name of a tool as the environment can carry it: upper case, `_` for all but letters and digits. */
export function toolOverrideKey(toolName: string): string {
  return toolName.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

/** The settings of one tool's override. */
export function overrideSettings(name: string): readonly Setting[] {
  return settingsUnder(`${OVERRIDES}.${name}`, ToolOverride).map((setting) => ({
    ...setting,
    env: setting.env.replace('<NAME>', name),
  }));
}

/** The tools that have an override among these keys of settings. */
export function overrideNames(keys: Iterable<string>): ReadonlySet<string> {
  return new Set([...keys].flatMap((key) => (key.startsWith(`${OVERRIDES}.`) ? [key.split('.')[1] ?? ''] : [])));
}

/** Key of the override that an environment variable sets, or undefined when it sets none. */
export function overrideKeyOfEnv(env: string): string | undefined {
  const [, name, suffix] = ENV_NAME.exec(env) ?? [];
  const setting = BY_SUFFIX.get(suffix ?? '');
  return name === undefined || setting === undefined ? undefined : `${OVERRIDES}.${name}.${setting.property}`;
}

/**
 * Key of the override that a key of the settings file sets, its tool name normalised.
 * @param path `toolOverrides.<tool>.<property>`; the tool's name may hold dots
 */
export function overrideKeyOfFile(path: string): string | undefined {
  const name = path.slice(OVERRIDES.length + 1, path.lastIndexOf('.'));
  const property = path.slice(path.lastIndexOf('.') + 1);
  const known = OVERRIDE_SETTINGS.some((setting) => setting.property === property);
  return path.startsWith(`${OVERRIDES}.`) && name !== '' && known
    ? `${OVERRIDES}.${toolOverrideKey(name)}.${property}`
    : undefined;
}
