import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { Clock } from '../common/index.js';
import { LiveSettings } from '../config/index.js';
import { Replicas, StoreBackend } from '../store/index.js';
import { AddressBlocks } from './address-blocks.js';
import { BreakerWatch } from './breaker-watch.js';
import { ClientAddresses } from './client-addresses.js';
import { DurableAddressBlocks } from './durable-address-blocks.js';
import { MessageRate } from './message-rate.js';
import { MemoryRateLimiter, RateLimiter } from './rate-limiter.js';
import { RateRules } from './rate-rules.js';
import { RateTerms } from './rate-terms.js';
import { RateViolations } from './rate-violations.js';
import { SharedRateLimiter } from './shared-rate-limiter.js';

/** Needs AppConfig, Clock, MetricsRecorder and the store ports from global modules. */
@Module({
  imports: [AuditModule],
  providers: [
    BreakerWatch,
    ClientAddresses,
    MessageRate,
    RateRules,
    RateViolations,
    {
      provide: RateLimiter,
      inject: [StoreBackend, Replicas, LiveSettings, Clock, RateRules, RateViolations],
      useFactory: rateLimiter,
    },
    { provide: AddressBlocks, useClass: DurableAddressBlocks },
  ],
  exports: [AddressBlocks, BreakerWatch, ClientAddresses, MessageRate, RateLimiter, RateRules, RateViolations],
})
export class LimitsModule {}

/** Counts in this process where it is alone, and with all replicas where there may be others. */
function rateLimiter(
  ...[{ counters, health }, replicas, settings, clock, rules, violations]: [
    StoreBackend,
    Replicas,
    LiveSettings,
    Clock,
    RateRules,
    RateViolations,
  ]
): RateLimiter {
  if (!counters) return new MemoryRateLimiter(settings, clock, rules, violations);
  const portionOf = (limit: number): number => replicas.portionOf(limit);
  const local = new MemoryRateLimiter(settings, clock, rules, violations, portionOf);
  const terms = new RateTerms(settings, rules);
  return new SharedRateLimiter({ counters, health, local, terms, violations, clock });
}
