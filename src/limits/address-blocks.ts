import { Injectable } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { addressKey, isLoopbackAddress } from './address-key.js';

/** Addresses remembered at once. */
const MAX_BLOCKS = 10_000;

/** An address that may not connect for a while. */
export interface AddressBlock {
  /** As {@link addressKey} names it. */
  readonly address: string;
  readonly reason: string;
  /** ms since the epoch. */
  readonly until: number;
}

/** Who may not connect, for how long, and why (S2-17). */
export abstract class AddressBlocks {
  /** @returns the block of an address that may not connect now */
  abstract blockOf(address: string | undefined): AddressBlock | undefined;

  /** @param durationMs >= 1 @returns the block; undefined for addresses that are never blocked */
  abstract block(address: string | undefined, durationMs: number, reason: string): AddressBlock | undefined;

  /** @returns whether it was blocked */
  abstract lift(address: string): boolean;

  abstract list(): readonly AddressBlock[];
}

/** Blocks of this process, bounded: the oldest gives way. Each ends by itself. */
@Injectable()
export class MemoryAddressBlocks extends AddressBlocks {
  private readonly blocks = new Map<string, AddressBlock>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override blockOf(address: string | undefined): AddressBlock | undefined {
    if (this.blocks.size === 0) return undefined;
    const key = addressKey(address);
    const block = this.blocks.get(key);
    if (!block || block.until > this.clock.now()) return block;
    this.blocks.delete(key);
    return undefined;
  }

  override block(address: string | undefined, durationMs: number, reason: string): AddressBlock | undefined {
    if (isLoopbackAddress(address)) return undefined;
    const block = { address: addressKey(address), reason, until: this.clock.now() + durationMs };
    this.blocks.delete(block.address);
    if (this.blocks.size >= MAX_BLOCKS) this.blocks.delete(this.blocks.keys().next().value as string);
    this.blocks.set(block.address, block);
    return block;
  }

  override lift(address: string): boolean {
    return this.blocks.delete(address) || this.blocks.delete(addressKey(address));
  }

  override list(): readonly AddressBlock[] {
    const now = this.clock.now();
    return [...this.blocks.values()].filter(({ until }) => until > now);
  }
}
