import type { AppConfig } from '../app-config.js';
import { SETTINGS } from '../schema.js';

/** @returns keys of the settings that differ, secrets among them: the keys only, never the values */
export function changedSettings(before: AppConfig, after: AppConfig): readonly string[] {
  const keys = SETTINGS.map(({ key }) => key).filter((key) => textOf(before, key) !== textOf(after, key));
  return [...keys, ...changedOverrides(before, after)];
}

function textOf(config: AppConfig, key: string): string | undefined {
  const [group = '', property = ''] = key.split('.');
  const settings = Reflect.get(config, group) as Readonly<Record<string, unknown>>;
  return JSON.stringify(settings[property]);
}

function changedOverrides({ toolOverrides: before }: AppConfig, { toolOverrides: after }: AppConfig): string[] {
  const tools = new Set([...before.keys(), ...after.keys()]);
  return [...tools].flatMap((tool) => {
    const [old, young] = [before.get(tool) ?? {}, after.get(tool) ?? {}] as Readonly<Record<string, unknown>>[];
    const properties = new Set([...Object.keys(old ?? {}), ...Object.keys(young ?? {})]);
    return [...properties]
      .filter((property) => old?.[property] !== young?.[property])
      .map((property) => `toolOverrides.${tool}.${property}`);
  });
}
