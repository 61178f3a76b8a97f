import { type DynamicModule, Module } from '@nestjs/common';
import { AppConfig } from './app-config.js';
import { ConfigReload } from './reload/config-reload.js';
import { type ConfigSource, GivenConfig } from './reload/config-source.js';
import { ConfigWatch } from './reload/config-watch.js';
import { CurrentSettings, LiveSettings } from './reload/live-settings.js';

/** Gives every module the settings. */
@Module({})
export class ConfigModule {
  /**
   * @param config the settings of the whole process
   * @param source where they can be read again; when left out, only the files that they name are
   */
  static forRoot(config: AppConfig, source: ConfigSource = new GivenConfig(config)): DynamicModule {
    const live = new CurrentSettings(config);
    return {
      module: ConfigModule,
      global: true,
      providers: [
        { provide: AppConfig, useValue: config },
        { provide: LiveSettings, useValue: live },
        { provide: ConfigReload, useValue: new ConfigReload(config, source, live) },
        ConfigWatch,
      ],
      exports: [AppConfig, ConfigReload, LiveSettings],
    };
  }
}
