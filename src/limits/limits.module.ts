import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AddressBlocks } from './address-blocks.js';
import { BreakerWatch } from './breaker-watch.js';
import { ClientAddresses } from './client-addresses.js';
import { DurableAddressBlocks } from './durable-address-blocks.js';
import { MessageRate } from './message-rate.js';
import { MemoryRateLimiter, RateLimiter } from './rate-limiter.js';
import { RateRules } from './rate-rules.js';
import { RateViolations } from './rate-violations.js';

/** Needs AppConfig, Clock, DurableStore and MetricsRecorder from global modules. */
@Module({
  imports: [AuditModule],
  providers: [
    BreakerWatch,
    ClientAddresses,
    MessageRate,
    RateRules,
    RateViolations,
    { provide: RateLimiter, useClass: MemoryRateLimiter },
    { provide: AddressBlocks, useClass: DurableAddressBlocks },
  ],
  exports: [AddressBlocks, BreakerWatch, ClientAddresses, MessageRate, RateLimiter, RateRules, RateViolations],
})
export class LimitsModule {}
