import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../common/index.js';
import { AppConfig } from './app-config.js';
import { type ConfigPlaces, loadConfig } from './load-config.js';
import { SETTINGS } from './schema.js';

// Hundreds of sets of settings each.
jest.setTimeout(60_000);

let cwd: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gatehouse-config-'));
});

afterAll(async () => {
  await rm(cwd, { recursive: true, force: true });
});

const FLAGS = SETTINGS.flatMap(({ flag }) => (flag ? [`--${flag}`] : []));
const junkText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer().map(String),
  fc.constantFrom(
    'true',
    'http',
    '0.0.0.0',
    '-',
    '--',
    '=',
    ',',
    'tcp://1',
    '..',
    '1e9',
    '__proto__',
    '*',
    'null',
    '~',
  ),
);
const envName = fc.oneof(
  fc.constantFrom(...SETTINGS.map(({ env }) => env), 'MCP_SESSION_KEYS_FILE', 'LOG_LEVEL', 'TOOL_ECHO_TIMEOUT'),
  fc.string({ maxLength: 12 }).map((text) => `MCP_${text}`),
);
const env = fc.dictionary(envName, junkText, { maxKeys: 6 });
const argv = fc.array(
  fc.oneof(
    fc.constantFrom(...FLAGS),
    junkText,
    fc.string().map((text) => `--${text}`),
  ),
  { maxLength: 8 },
);
const fileTree = fc.dictionary(
  fc.oneof(fc.constantFrom(...SETTINGS.map(({ key }) => key), 'server', 'toolOverrides', '__proto__'), fc.string()),
  fc.jsonValue(),
  { maxKeys: 6 },
);

/** The settings, or the StartError that refused them; anything else thrown goes on. */
async function outcome(places: ConfigPlaces): Promise<AppConfig | StartError> {
  try {
    return await loadConfig(places);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
}

function expectSound(result: AppConfig | StartError): void {
  if (result instanceof StartError) {
    expect(result.faults.length).toBeGreaterThan(0);
    expect([64, 78]).toContain(result.exitCode);
    return;
  }
  const values = new Map(result.describe().map(({ key, value }) => [key, value]));
  const outOfRange = SETTINGS.filter((setting) => {
    if (setting.kind !== 'int') return false;
    const value = values.get(setting.key);
    if (value === undefined && setting.default === undefined) return false;
    return typeof value !== 'number' || !(value >= setting.min && value <= setting.max);
  });
  expect(outOfRange.map(({ key }) => key)).toEqual([]);
}

describe('loadConfig, whatever it is given', () => {
  it('K-24 gives valid settings or a StartError for any flags and variables, never another error', async () => {
    await fc.assert(
      fc.asyncProperty(argv, env, async (flags, variables) => {
        expectSound(await outcome({ argv: flags, env: variables, cwd }));
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  it('K-24 does so for any settings file, JSON or not', async () => {
    const content = fc.oneof(
      fileTree.map((tree) => JSON.stringify(tree)),
      fc.string({ maxLength: 60 }),
    );
    await fc.assert(
      fc.asyncProperty(content, fc.constantFrom('g.json', 'g.yaml'), async (text, name) => {
        await writeFile(join(cwd, name), text);
        expectSound(await outcome({ argv: ['--config', name], env: {}, cwd }));
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('K-24 does so for any one setting of any type in code', () => {
    const value = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true });
    fc.assert(
      fc.property(fc.constantFrom(...SETTINGS), value, ({ key }, junk) => {
        try {
          expectSound(AppConfig.of({ [key]: junk }));
        } catch (error) {
          if (!(error instanceof StartError)) throw error;
          expectSound(error);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('W-37 shows no secret in any message', async () => {
    const secret = fc.string({ unit: fc.constantFrom('Q', 'Z', '7', '9'), minLength: 12, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom('', 'k1:', 'k1:AAAA,', '"', '{'), argv, async (text, before, flags) => {
        const result = await outcome({ argv: flags, env: { MCP_SESSION_KEYS: `${before}${text}` }, cwd });
        const shown =
          result instanceof StartError ? result.message : JSON.stringify([result.warnings, result.describe()]);
        expect(shown).not.toContain(text);
      }),
      { numRuns: 200 },
    );
  });
});
