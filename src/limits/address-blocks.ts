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

/** Why a block is over. */
export type BlockEnd = 'expired' | 'lifted' | 'gave way';

/** Blocks of this process, bounded: the oldest gives way. Each ends by itself. */
@Injectable()
export class MemoryAddressBlocks extends AddressBlocks {
  private readonly blocks = new Map<string, AddressBlock>();

  constructor(protected readonly clock: Clock) {
    super();
  }

  override blockOf(address: string | undefined): AddressBlock | undefined {
    if (this.blocks.size === 0) return undefined;
    const block = this.blocks.get(addressKey(address));
    return block && block.until > this.clock.now() ? block : undefined;
  }

  override block(address: string | undefined, durationMs: number, reason: string): AddressBlock | undefined {
    if (isLoopbackAddress(address)) return undefined;
    const block = { address: addressKey(address), reason, until: this.clock.now() + durationMs };
    this.keep(block);
    this.began(block, durationMs);
    return block;
  }

  override lift(address: string): boolean {
    return this.end(address, 'lifted') || this.end(addressKey(address), 'lifted');
  }

  override list(): readonly AddressBlock[] {
    const now = this.clock.now();
    return [...this.blocks.values()].filter(({ until }) => until > now);
  }

  /** Forgets the blocks whose time is over. */
  sweep(): void {
    const now = this.clock.now();
    for (const { address, until } of this.blocks.values()) if (until <= now) this.end(address, 'expired');
  }

  /** Enters a block, in place of one of the same address. */
  protected keep(block: AddressBlock): void {
    this.blocks.delete(block.address);
    if (this.blocks.size >= MAX_BLOCKS) this.end(this.blocks.keys().next().value as string, 'gave way');
    this.blocks.set(block.address, block);
  }

  /** @returns the block that is entered for an address, over or not */
  protected find(address: string): AddressBlock | undefined {
    return this.blocks.get(address);
  }

  /** Takes a block out that somebody else has ended. */
  protected forget(address: string): void {
    this.blocks.delete(address);
  }

  /** Called for each block that begins. */
  protected began(_block: AddressBlock, _durationMs: number): void {
    // Nobody is told of blocks that are kept in memory alone.
  }

  /** Called for each block that is over. */
  protected ended(_block: AddressBlock, _why: BlockEnd): void {
    // As above.
  }

  private end(address: string, why: BlockEnd): boolean {
    const block = this.blocks.get(address);
    if (!block) return false;
    this.blocks.delete(address);
    this.ended(block, why);
    return true;
  }
}
