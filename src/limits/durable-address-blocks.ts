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

/**
 * Blocks that outlast the process (W-13) and hold at every replica, each beginning and end of which is an event where it
 * was decided. The table in memory decides; a store that is out of reach costs a block its restart, never a caller its
 * answer.
 */
@Injectable()
export class DurableAddressBlocks extends MemoryAddressBlocks implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(DurableAddressBlocks.name);
  private readonly look = new SharedLook(() => this.read());
  private timer: NodeJS.Timeout | undefined;
  private stop: () => void = () => undefined;
  private readAt = 0;
  private isFailing = false;
  /** Blocks that the store does not have yet. */
  private readonly unwritten = new Set<AddressBlock>();
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
    const { changes } = this;
    const records = await this.store.list(NAMESPACE);
    // What was read may be older than what this process has changed since: the next look shows both.
    if (this.writing > 0 || this.changes !== changes) return;
    const kept = records.flatMap(({ value }) => (isBlock(value) ? [value] : []));
    const lasting = new Set(kept.map(({ address }) => address));
    for (const block of this.list()) {
      if (!lasting.has(block.address) && !this.unwritten.has(block)) this.forget(block.address);
    }
    for (const block of kept) if (this.find(block.address)?.until !== block.until) this.keep(block);
  }

  protected override began(block: AddressBlock, durationMs: number): void {
    const { address, reason, until } = block;
    this.security.emit('ip_blocked', { ip: address, reason, durationMs });
    this.unwritten.add(block);
    const record = { namespace: NAMESPACE, key: address, value: block, expiresAt: until };
    void this.written(async () => {
      await this.store.put(record);
      this.unwritten.delete(block);
    }, address);
  }

  protected override ended(block: AddressBlock, why: BlockEnd): void {
    const { address, reason } = block;
    this.security.emit('ip_unblocked', { ip: address, reason: why, blockedFor: reason });
    this.unwritten.delete(block);
    void this.written(() => this.store.delete(NAMESPACE, address), address);
  }

  private async written(write: () => Promise<void>, address: string): Promise<void> {
    this.changes += 1;
    this.writing += 1;
    try {
      await write();
      this.bus.publish(NAMESPACE, address);
    } catch (error) {
      this.logger.error(`A block of an address could not be kept for the next start: ${messageOf(error)}`);
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
