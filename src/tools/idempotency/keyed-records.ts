import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { isGatehouseError } from '../../common/index.js';
import { Bus, DurableStore, Replica } from '../../store/index.js';
import { type KeyedRecord, keyedRecordOf } from './keyed-record.js';

const NAMESPACE = 'idempotency';
/** How often a call that waits for another looks whether that one's replica still lives. */
const LOOK_MS = 1_000;
/** How soon what the store did not take is brought to it again. */
const AGAIN_MS = 500;
/** What is owed to the store at once, at most: each is a call that ran, or was about to, as the store went away. */
const MAX_OWED = 10_000;

/** One try of a keyed call: its number is its fence. */
export interface Try {
  /** Of caller, tool and key. */
  readonly name: string;
  /** >= 1 */
  readonly fence: number;
  /** When the key is forgotten, ms since the epoch. */
  readonly expiresAt: number;
}

/**
 * The records of keyed calls. What this process has to say of its own calls and the store does not take is said again
 * until it does: else others would wait for a call that is long over, as its replica lives (D-15, D-23).
 */
@Injectable()
export class KeyedRecords implements BeforeApplicationShutdown {
  private readonly logger = new Logger(KeyedRecords.name);
  /** Tries that are begun here and not over, by their key. */
  private readonly running = new Set<string>();
  /** By key: the record to write, or undefined where the claim is to be given back. */
  private readonly owed = new Map<string, { readonly of: Try; readonly record: KeyedRecord | undefined }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: DurableStore,
    private readonly bus: Bus,
    private readonly replica: Replica,
  ) {}

  /** @throws ProtocolError store_unavailable */
  async read(of: Try): Promise<KeyedRecord | undefined> {
    return keyedRecordOf(await this.store.get(NAMESPACE, keyOf(of)));
  }

  /**
   * Takes a try for this process: one of all that ask gets it.
   * @throws ProtocolError store_unavailable; whether it was taken may be unknown, and it is then given back
   */
  async claim(of: Try, digest: string): Promise<boolean> {
    const key = keyOf(of);
    const value: KeyedRecord = { state: 'started', digest, replica: this.replica.id };
    try {
      const isOurs = await this.store.putIfAbsent({ namespace: NAMESPACE, key, value, expiresAt: of.expiresAt });
      if (isOurs) this.running.add(key);
      return isOurs;
    } catch (error) {
      this.owe(of, undefined);
      throw error;
    }
  }

  /**
   * Writes down how a claimed try ended, now or as soon as the store takes it.
   * @param record undefined gives the claim back: the call never began
   */
  async settle(of: Try, record: KeyedRecord | undefined): Promise<void> {
    this.running.delete(keyOf(of));
    try {
      await this.bring(of, record);
    } catch (error) {
      this.logger.debug(`The end of a keyed call could not be written: ${kindOf(error)}`);
      this.owe(of, record);
    }
  }

  /** Resolves when the record may have changed, or its replica may have died. */
  async change(of: Try): Promise<void> {
    const stop = new AbortController();
    let unsubscribe: (() => void) | undefined;
    const told = new Promise<void>((resolve) => {
      unsubscribe = this.bus.subscribe(channelOf(of), () => resolve());
    });
    try {
      await Promise.race([told, pause(LOOK_MS, undefined, { signal: stop.signal, ref: false })]);
    } finally {
      unsubscribe?.();
      stop.abort();
    }
  }

  /** Brings to the store what it did not take. */
  async settleOwed(): Promise<void> {
    for (const [key, { of, record }] of [...this.owed]) {
      try {
        await this.bring(of, record);
        this.owed.delete(key);
      } catch (error) {
        this.logger.debug(`The end of a keyed call could still not be written: ${kindOf(error)}`);
        return;
      }
    }
  }

  /** The last chance: who comes after must take this process for dead. */
  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.settleOwed();
  }

  private async bring(of: Try, record: KeyedRecord | undefined): Promise<void> {
    const key = keyOf(of);
    if (record) await this.store.put({ namespace: NAMESPACE, key, value: record, expiresAt: of.expiresAt });
    else if (await this.isLeftOver(of)) await this.store.delete(NAMESPACE, key);
    this.bus.publish(channelOf(of), '');
  }

  /** Whether the store holds a claim of this process behind which no call runs; it may be another's by now. */
  private async isLeftOver(of: Try): Promise<boolean> {
    const record = await this.read(of);
    return record?.state === 'started' && record.replica === this.replica.id && !this.running.has(keyOf(of));
  }

  private owe(of: Try, record: KeyedRecord | undefined): void {
    const key = keyOf(of);
    if (this.owed.size >= MAX_OWED && !this.owed.has(key)) return;
    this.owed.set(key, { of, record });
    this.timer ??= setTimeout(() => void this.tryAgain(), AGAIN_MS).unref();
  }

  private async tryAgain(): Promise<void> {
    await this.settleOwed();
    this.timer = this.owed.size > 0 ? setTimeout(() => void this.tryAgain(), AGAIN_MS).unref() : undefined;
  }
}

function keyOf({ name, fence }: Try): string {
  return `${name}#${fence}`;
}

function channelOf(of: Try): string {
  return `${NAMESPACE}:${keyOf(of)}`;
}

function kindOf(error: unknown): string {
  return isGatehouseError(error) ? error.kind : String(error);
}
