export { type AddressBlock, AddressBlocks } from './address-blocks.js';
export { addressKey, AddressList, isLoopbackAddress } from './address-key.js';
export { Breaker, BREAKER_TRANSITIONS, type BreakerReport, type BreakerState } from './breaker.js';
export { Bulkhead } from './bulkhead.js';
export { LimitsModule } from './limits.module.js';
export { RateLimiter } from './rate-limiter.js';
export type { RateOutcome } from './sliding-window.js';
