import { Module } from '@nestjs/common';
import { MemoryRateLimiter, RateLimiter } from './rate-limiter.js';

@Module({
  providers: [{ provide: RateLimiter, useClass: MemoryRateLimiter }],
  exports: [RateLimiter],
})
export class LimitsModule {}
