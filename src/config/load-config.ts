import { join, resolve } from 'node:path';
import { AppConfig } from './app-config.js';
import { readConfigFile } from './config-file.js';
import { parseFlags } from './parse-flags.js';
import { ConfigSource } from './reload/config-source.js';
import { resolveSettings } from './resolve-settings.js';
import { type Environment, readDotEnv, readEnvironment } from './sources.js';

/** Where settings are looked for. */
export interface ConfigPlaces {
  /** What follows the command, without `node` and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Folder of `.env`; relative paths of the settings file and of secret files start there. */
  readonly cwd: string;
}

/**
 * Reads the settings: flag over environment over `.env` over settings file over default (K-23).
 * @throws StartError with every fault at once; exit code 64 for a wrong command line, 78 for wrong settings
 */
export async function loadConfig({ argv, env, cwd }: ConfigPlaces): Promise<AppConfig> {
  const flags = parseFlags(argv);
  const variables = await readEnvironment(env, { source: 'env', cwd });
  const dotEnv = await readDotEnv(cwd);
  const path = [flags, variables, dotEnv].find(({ given }) => given.has(FILE_KEY))?.given.get(FILE_KEY)?.raw;
  const file = await readConfigFile(path, cwd);
  return new AppConfig(resolveSettings([flags, variables, dotEnv, file]));
}

/** The settings of a command line: its flags and variables stay, its files are read again. */
export class PlacedConfig extends ConfigSource {
  constructor(private readonly places: ConfigPlaces) {
    super();
  }

  override load(): Promise<AppConfig> {
    return loadConfig(this.places);
  }

  override files({ server, policy }: AppConfig): readonly string[] {
    const { cwd } = this.places;
    const named = [server.configFile, policy.rolesFile].flatMap((path) => path ?? []);
    return [join(cwd, '.env'), ...named.map((path) => resolve(cwd, path))];
  }
}

const FILE_KEY = 'server.configFile';
