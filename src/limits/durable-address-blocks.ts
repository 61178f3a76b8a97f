import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Clock, isJsonObject } from '../common/index.js';
import { DurableStore } from '../store/index.js';
import { type AddressBlock, type BlockEnd, MemoryAddressBlocks } from './address-blocks.js';

const NAMESPACE = 'address-block';
const SWEEP_MS = 1_000;

/**
 * Blocks that outlast the process (W-13), each beginning and end of which is an event. The table in memory decides; a
 * store that is out of reach costs a block its restart, never a caller its answer.
 */
@Injectable()
export class DurableAddressBlocks extends MemoryAddressBlocks implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(DurableAddressBlocks.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    clock: Clock,
    private readonly security: SecurityLog,
    private readonly store: DurableStore,
  ) {
    super(clock);
  }

  async onModuleInit(): Promise<void> {
    for (const { value } of await this.store.list(NAMESPACE)) if (isBlock(value)) this.keep(value);
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  protected override began(block: AddressBlock, durationMs: number): void {
    const { address, reason, until } = block;
    this.security.emit('ip_blocked', { ip: address, reason, durationMs });
    this.written(this.store.put({ namespace: NAMESPACE, key: address, value: block, expiresAt: until }));
  }

  protected override ended({ address, reason }: AddressBlock, why: BlockEnd): void {
    this.security.emit('ip_unblocked', { ip: address, reason: why, blockedFor: reason });
    this.written(this.store.delete(NAMESPACE, address));
  }

  private written(pending: Promise<void>): void {
    pending.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.logger.error(`A block of an address could not be kept for the next start: ${why}`);
    });
  }
}

function isBlock(value: unknown): value is AddressBlock {
  if (!isJsonObject(value)) return false;
  const { address, reason, until } = value;
  return typeof address === 'string' && typeof reason === 'string' && typeof until === 'number';
}
