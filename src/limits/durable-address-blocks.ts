import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Clock, isJsonObject } from '../common/index.js';
import { Bus, DurableStore, SharedLook } from '../store/index.js';
import { type AddressBlock, type BlockEnd, MemoryAddressBlocks } from './address-blocks.js';

/** Where blocks are kept, and where a change of them is told of. */
const NAMESPACE = 'address-block';
const SWEEP_MS = 1_000;
/** How late this process may learn of a block that another one made (D-10). */
const REFRESH_MS = 5_000;
/** What is written at once of that which could not be written before: where the first of it fails, the rest waits. */
const BATCH = 100;

/** What an address is to be in the store: blocked, or no more so. */
interface Change {
  readonly block: AddressBlock;
  readonly isOver: boolean;
  hasFailed?: boolean;
}

/**
 * Blocks that outlast the process (W-13) and hold at every replica, each beginning and end of which is an event where it
 * was decided. The table in memory decides; a store that is out of reach costs a block its restart, never a caller its
 * answer.
 * What could not be written is tried again with each look at the store, until its time is over: the newest state of each
 * address, which are as many as the table has.
 */
@Injectable()
export class DurableAddressBlocks extends MemoryAddressBlocks implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(DurableAddressBlocks.name);
  private readonly look = new SharedLook(() => this.read());
  private timer: NodeJS.Timeout | undefined;
  private stop: () => void = () => undefined;
  private readAt = 0;
  private isFailing = false;
  /** What the store does not have yet, by address. */
  private readonly unwritten = new Map<string, Change>();
  private isLosing = false;
  /** Changes that this process made, and those of them that are being written. */
  private changes = 0;
  private writing = 0;

  constructor(
    clock: Clock,
    private readonly security: SecurityLog,
    private readonly store: DurableStore,
    private readonly bus: Bus,
  ) {
    super(clock);
  }

  /** @throws Error the store is out of reach */
  async onModuleInit(): Promise<void> {
    await this.look.again();
    this.readAt = this.clock.monotonic();
    this.stop = this.bus.subscribe(NAMESPACE, () => void this.refresh());
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.stop();
  }

  override sweep(): void {
    super.sweep();
    if (this.clock.monotonic() - this.readAt >= REFRESH_MS) void this.refresh();
  }

  /** Takes over what other processes have blocked and lifted. While the store is out of reach, what was known holds. */
  async refresh(): Promise<void> {
    this.readAt = this.clock.monotonic();
    try {
      await this.look.again();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.error(`Blocks of addresses cannot be read again: ${messageOf(error)}`);
      this.isFailing = true;
    }
  }

  private async read(): Promise<void> {
    await this.writeAgain();
    const { changes } = this;
    const records = await this.store.list(NAMESPACE);
    // What was read may be older than what this process has changed since: the next look shows both.
    if (this.writing > 0 || this.changes !== changes) return;
    const kept = records.flatMap(({ value }) => (isBlock(value) ? [value] : []));
    const lasting = new Set(kept.map(({ address }) => address));
    for (const { address } of this.list()) {
      if (!lasting.has(address) && !this.unwritten.has(address)) this.forget(address);
    }
    for (const block of kept) {
      const isOurs = this.unwritten.has(block.address);
      if (!isOurs && this.find(block.address)?.until !== block.until) this.keep(block);
    }
  }

  protected override began(block: AddressBlock, durationMs: number): void {
    const { address, reason } = block;
    this.security.emit('ip_blocked', { ip: address, reason, durationMs });
    this.change({ block, isOver: false });
  }

  protected override ended(block: AddressBlock, why: BlockEnd): void {
    const { address, reason } = block;
    this.security.emit('ip_unblocked', { ip: address, reason: why, blockedFor: reason });
    const unwritten = this.unwritten.get(address);
    // Its record ends with it; by now there may be that of a longer one, which another process made.
    if (why === 'expired') this.unwritten.delete(address);
    // Of a flood while the store is away nothing piles up.
    else if (why === 'gave way' && unwritten?.block === block && unwritten.hasFailed) this.unwritten.delete(address);
    else this.change({ block, isOver: true });
  }

  private change(change: Change): void {
    this.unwritten.set(change.block.address, change);
    void this.written(change, () => this.write(change));
  }

  private write({ block, isOver }: Change): Promise<void> {
    const { address: key, until: expiresAt } = block;
    if (isOver) return this.store.delete(NAMESPACE, key);
    return this.store.put({ namespace: NAMESPACE, key, value: block, expiresAt });
  }

  private async writeAgain(): Promise<void> {
    const now = this.clock.now();
    for (const { block } of this.unwritten.values()) if (block.until <= now) this.unwritten.delete(block.address);
    const changes = [...this.unwritten.values()];
    for (let at = 0; at < changes.length; at += BATCH) {
      const batch = changes.slice(at, at + BATCH);
      const done = await Promise.all(batch.map((change) => this.written(change, () => this.writeLate(change))));
      if (done.includes(false)) return;
    }
  }

  /** Others may have decided since: their longer block stays, and what was lifted here is the block that was known here. */
  private async writeLate(change: Change): Promise<void> {
    const { block, isOver } = change;
    const there = await this.store.get(NAMESPACE, block.address);
    if (this.unwritten.get(block.address) !== change) return;
    const until = isBlock(there) ? there.until : 0;
    if (isOver ? until === block.until : until < block.until) await this.write(change);
  }

  /** @returns whether it could be written */
  private async written(change: Change, write: () => Promise<void>): Promise<boolean> {
    const { address } = change.block;
    this.changes += 1;
    this.writing += 1;
    try {
      await write();
      if (this.unwritten.get(address) === change) this.unwritten.delete(address);
      this.bus.publish(NAMESPACE, address);
      this.isLosing = false;
      return true;
    } catch (error) {
      change.hasFailed = true;
      if (!this.isLosing)
        this.logger.error(`A block of an address could not be kept for the next start: ${messageOf(error)}`);
      this.isLosing = true;
      return false;
    } finally {
      this.writing -= 1;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isBlock(value: unknown): value is AddressBlock {
  if (!isJsonObject(value)) return false;
  const { address, reason, until } = value;
  return typeof address === 'string' && typeof reason === 'string' && typeof until === 'number';
}
