import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../common/index.js';
import { LocalBus } from './bus.js';
import type { DurableStore } from './durable-store.js';
import { NoEventLog } from './event-log.js';
import type { HolderDetails } from './folder-lock.js';
import { JournalDurableStore } from './memory/journal-durable-store.js';
import { MemoryDurableStore } from './memory/memory-durable-store.js';
import { SessionKeys } from './session-keys.js';
import { StoreBackend } from './store-backend.js';
import { EmbeddedStoreHealth } from './store-health.js';
import { explained, StateFolder } from './state-folder.js';

/** How the state of one process is opened. */
export interface EmbeddedStateOptions {
  readonly clock: Clock;
  /** Value of `MCP_SESSION_KEYS`; absent, a key is made. */
  readonly keys?: string | undefined;
  /** Where state is kept; absent, nothing is written and all ends with the process. */
  readonly folder?: { readonly path: string; readonly details: HolderDetails };
}

const nothing = (): Promise<void> => Promise.resolve();

/** The state of a process that has no other store: a locked folder, or memory alone. */
export class EmbeddedState extends StoreBackend implements OnApplicationShutdown {
  override readonly bus = new LocalBus();
  override readonly events = new NoEventLog();
  override readonly counters = undefined;
  override readonly health = new EmbeddedStoreHealth();
  private closing: Promise<void> | undefined;

  private constructor(
    override readonly durable: DurableStore,
    override readonly keys: SessionKeys,
    override readonly path: string | undefined,
    private readonly release: () => Promise<void>,
  ) {
    super();
  }

  /** @throws StartError the folder is held, or cannot be used as it is */
  static async open({ clock, keys: setting, folder }: EmbeddedStateOptions): Promise<EmbeddedState> {
    const keys = setting === undefined ? undefined : SessionKeys.fromSetting(setting);
    if (!folder) {
      return new EmbeddedState(new MemoryDurableStore(clock), keys ?? SessionKeys.ephemeral(), undefined, nothing);
    }
    const held = await StateFolder.open({ ...folder, clock });
    try {
      return await EmbeddedState.within(held, folder.path, { clock, keys });
    } catch (error) {
      await held.close();
      throw explained(folder.path, error);
    }
  }

  private static async within(
    folder: StateFolder,
    path: string,
    { clock, keys: given }: { readonly clock: Clock; readonly keys: SessionKeys | undefined },
  ): Promise<EmbeddedState> {
    const keys = given ?? (await SessionKeys.fromFile(folder.pathOf('session.key')));
    const assertMine = (): void => folder.assertHeld();
    const durable = await JournalDurableStore.open({ path: folder.pathOf('state.journal'), clock, assertMine });
    return new EmbeddedState(durable, keys, path, async () => {
      await durable.close();
      await folder.close();
    });
  }

  override close(): Promise<void> {
    return (this.closing ??= this.release());
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
