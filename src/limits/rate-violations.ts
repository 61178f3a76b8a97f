import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { AddressBlocks } from './address-blocks.js';

/** What becomes of an address that goes over a rate limit: nothing, unless a setting says how long it is blocked (D-11). */
@Injectable()
export class RateViolations {
  private readonly blockMs: number;

  constructor(
    { block }: AppConfig,
    private readonly blocks: AddressBlocks,
  ) {
    this.blockMs = block.enabled ? block.rateMs : 0;
  }

  /** @param address of the client, or its key; undefined where there is none, as on stdio */
  note(address: string | undefined): void {
    // What still comes in on a connection from before the block makes it no longer.
    if (this.blockMs === 0 || address === undefined || this.blocks.blockOf(address)) return;
    this.blocks.block(address, this.blockMs, 'rate_limit_exceeded');
  }
}
