import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { AppConfig } from './app-config.js';
import { renderConfigurationDoc, renderEnvExample, renderFlagHelp } from './config-doc.js';
import { resolveSettings } from './resolve-settings.js';
import { SETTINGS } from './schema.js';
import { readEnvironment } from './sources.js';

/** The variables that the example would set if every line were taken in. */
const exampleVariables = (): Record<string, string | undefined> =>
  parseEnv(renderEnvExample().replace(/^# (?=[A-Z_]+=)/gm, ''));

const inRepository = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('renderEnvExample', () => {
  it('W-43 names exactly the settings of the schema', () => {
    expect(Object.keys(exampleVariables()).sort()).toEqual(SETTINGS.map(({ env }) => env).sort());
  });

  it('W-43 shows every setting commented out, with a default that the loader takes as it stands', async () => {
    expect(parseEnv(renderEnvExample())).toEqual({});
    const reading = await readEnvironment(exampleVariables(), { source: '.env', cwd: '/' });
    const { groups, warnings } = resolveSettings([reading]);
    expect(warnings).toEqual([]);
    for (const [name, group] of Object.entries(groups)) {
      expect(group).toEqual(AppConfig.of()[name as keyof typeof groups]);
    }
  });

  it('W-43 is what .env.example holds', async () => {
    expect(await inRepository('.env.example')).toBe(renderEnvExample());
  });
});

describe('renderConfigurationDoc', () => {
  it('W-43 has a row for every setting, with its flag', () => {
    const doc = renderConfigurationDoc();
    for (const { env, flag, doc: text } of SETTINGS) {
      const row = doc.split('\n').find((line) => line.startsWith('|') && line.includes(`| \`${env}\` |`));
      expect(row).toContain(text);
      if (flag) expect(row).toContain(`\`--${flag}\``);
    }
  });

  it('W-43 is what docs/configuration.md holds', async () => {
    expect(await inRepository('docs/configuration.md')).toBe(renderConfigurationDoc());
  });
});

describe('renderFlagHelp', () => {
  it('S1-1 has one line for each flag', () => {
    const flags = [...renderFlagHelp().matchAll(/^ {2}--([a-z-]+)/gm)].map(([, flag]) => flag);
    expect(flags).toEqual(SETTINGS.flatMap(({ flag }) => flag ?? []));
  });
});
