import type { AppConfig } from '../app-config.js';

/** Where the settings of this process came from, and can be read from again. */
export abstract class ConfigSource {
  /**
   * Reads all settings anew.
   * @throws StartError with every fault at once
   */
  abstract load(): Promise<AppConfig>;

  /** The files that the settings are in, whether they exist or not. @param config as they were last read */
  abstract files(config: AppConfig): readonly string[];
}

/** Settings that were passed in code: there is nothing to read but the files that they name. */
export class GivenConfig extends ConfigSource {
  constructor(private readonly config: AppConfig) {
    super();
  }

  override async load(): Promise<AppConfig> {
    return this.config;
  }

  override files({ policy }: AppConfig): readonly string[] {
    return policy.rolesFile === undefined ? [] : [policy.rolesFile];
  }
}
