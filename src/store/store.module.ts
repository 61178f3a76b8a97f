import { type DynamicModule, Module } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { Bus } from './bus.js';
import { defaultStateFolder } from './default-state-folder.js';
import { DurableStore } from './durable-store.js';
import { EmbeddedState } from './embedded-state.js';
import { EventLog } from './event-log.js';
import { DurableSessionStore } from './memory/durable-session-store.js';
import { Replica } from './replica.js';
import { Replicas } from './replicas.js';
import { SessionKeys } from './session-keys.js';
import { SessionStore } from './session-store.js';
import { StoreBackend } from './store-backend.js';
import { StoreHealth } from './store-health.js';

/** What the composition root may say about the stores. */
export interface StoreModuleOptions {
  /** The user's folder for state, as XDG_STATE_HOME or LOCALAPPDATA name it. */
  readonly stateRoot?: string;
  /** State that is open already; the module closes it with the application all the same. */
  readonly state?: StoreBackend;
  readonly replica?: Replica;
}

/**
 * Provides the store ports over the state of this process or over Redis, to all modules: a second instance would contend
 * with the first for the lock of the folder, and as a global module it is the last to shut down. Needs AppConfig and
 * Clock from global modules.
 */
@Module({})
export class StoreModule {
  static forRoot(options: StoreModuleOptions = {}): DynamicModule {
    const replica = options.replica ?? new Replica();
    return {
      module: StoreModule,
      global: true,
      providers: [
        { provide: Replica, useValue: replica },
        Replicas,
        {
          provide: StoreBackend,
          inject: [AppConfig, Clock],
          useFactory: (config: AppConfig, clock: Clock) =>
            options.state ?? openState(config, clock, { ...options, replica }),
        },
        { provide: DurableStore, inject: [StoreBackend], useFactory: ({ durable }: StoreBackend) => durable },
        { provide: SessionKeys, inject: [StoreBackend], useFactory: ({ keys }: StoreBackend) => keys },
        { provide: Bus, inject: [StoreBackend], useFactory: ({ bus }: StoreBackend) => bus },
        { provide: EventLog, inject: [StoreBackend], useFactory: ({ events }: StoreBackend) => events },
        { provide: StoreHealth, inject: [StoreBackend], useFactory: ({ health }: StoreBackend) => health },
        {
          provide: SessionStore,
          inject: [DurableStore],
          useFactory: (durable: DurableStore) => new DurableSessionStore(durable),
        },
      ],
      exports: [Bus, DurableStore, EventLog, Replica, Replicas, SessionKeys, SessionStore, StoreBackend, StoreHealth],
    };
  }
}

/**
 * Opens the state that the settings ask for.
 * @throws StartError the folder is held, or cannot be used as it is
 */
export async function openState(
  config: AppConfig,
  clock: Clock,
  options: StoreModuleOptions = {},
): Promise<StoreBackend> {
  const { redis, server, sessions } = config;
  const keys = sessions.keys;
  if (redis.url !== undefined && keys !== undefined) {
    // Loaded here, as most servers have no Redis.
    const { RedisState } = await import('./redis/redis-state.js');
    return RedisState.open({ settings: redis, keys, clock, replica: options.replica ?? new Replica() });
  }
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
  const details = { name: server.name, port: portOf(config) };
  return EmbeddedState.open({ clock, keys: sessions.keys, folder: { path: stateFolderOf(config, options), details } });
}

/** @returns where the state of a server with these settings is */
export function stateFolderOf(config: AppConfig, options: StoreModuleOptions = {}): string {
  return config.sessions.stateDir ?? defaultStateFolder({ ...options, port: portOf(config) });
}

/** The port by which a server is told from others of this machine: where TCP is its only network door, that of TCP. */
function portOf({ server: { transports, port, tcpPort } }: AppConfig): number {
  const doors = transports.filter((transport) => transport !== 'stdio');
  return doors.length > 0 && doors.every((transport) => transport === 'tcp') ? tcpPort : port;
}
