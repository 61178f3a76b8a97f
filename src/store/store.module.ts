import { type DynamicModule, Module } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { defaultStateFolder } from './default-state-folder.js';
import { DurableStore } from './durable-store.js';
import { EmbeddedState } from './embedded-state.js';
import { DurableSessionStore } from './memory/durable-session-store.js';
import { SessionKeys } from './session-keys.js';
import { SessionStore } from './session-store.js';

/** What the composition root may say about the stores. */
export interface StoreModuleOptions {
  /** The user's folder for state, as XDG_STATE_HOME or LOCALAPPDATA name it. */
  readonly stateRoot?: string;
  /** State that is open already; the module closes it with the application all the same. */
  readonly state?: EmbeddedState;
}

/**
 * Provides the store ports over the state of this process, to all modules: a second instance would contend with the
 * first for the lock of the folder, and as a global module it is the last to shut down. Needs AppConfig and Clock from
 * global modules.
 */
@Module({})
export class StoreModule {
  static forRoot(options: StoreModuleOptions = {}): DynamicModule {
    return {
      module: StoreModule,
      global: true,
      providers: [
        {
          provide: EmbeddedState,
          inject: [AppConfig, Clock],
          useFactory: (config: AppConfig, clock: Clock) => options.state ?? openState(config, clock, options),
        },
        { provide: DurableStore, inject: [EmbeddedState], useFactory: (state: EmbeddedState) => state.durable },
        { provide: SessionKeys, inject: [EmbeddedState], useFactory: (state: EmbeddedState) => state.keys },
        {
          provide: SessionStore,
          inject: [DurableStore],
          useFactory: (durable: DurableStore) => new DurableSessionStore(durable),
        },
      ],
      exports: [DurableStore, SessionKeys, SessionStore],
    };
  }
}

/**
 * Opens the state that the settings ask for.
 * @throws StartError the folder is held, or cannot be used as it is
 */
export function openState(config: AppConfig, clock: Clock, options: StoreModuleOptions = {}): Promise<EmbeddedState> {
  const { server, sessions } = config;
  const keys = sessions.keys;
  // A process on stdio alone ends with its client: it has nothing to keep, and may run many times at once (D-9).
  if (server.transports.every((transport) => transport === 'stdio')) return EmbeddedState.open({ clock, keys });
  return openStateFolder(config, clock, options);
}

/**
 * Opens the folder of the settings, whatever doors they name.
 * @throws StateHeldError a server uses it
 * @throws StartError it cannot be used as it is
 */
export function openStateFolder(
  config: AppConfig,
  clock: Clock,
  options: StoreModuleOptions = {},
): Promise<EmbeddedState> {
  const { server, sessions } = config;
  const details = { name: server.name, port: server.port };
  return EmbeddedState.open({ clock, keys: sessions.keys, folder: { path: stateFolderOf(config, options), details } });
}

/** @returns where the state of a server with these settings is */
export function stateFolderOf({ server, sessions }: AppConfig, options: StoreModuleOptions = {}): string {
  return sessions.stateDir ?? defaultStateFolder({ ...options, port: server.port });
}
