import { Module } from '@nestjs/common';
import { AddressBlocks, MemoryAddressBlocks } from './address-blocks.js';
import { MemoryRateLimiter, RateLimiter } from './rate-limiter.js';

@Module({
  providers: [
    { provide: RateLimiter, useClass: MemoryRateLimiter },
    { provide: AddressBlocks, useClass: MemoryAddressBlocks },
  ],
  exports: [AddressBlocks, RateLimiter],
})
export class LimitsModule {}
