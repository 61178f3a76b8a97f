export { type AddressBlock, AddressBlocks } from './address-blocks.js';
export { addressKey, AddressList, isLoopbackAddress } from './address-key.js';
export { Breaker, type BreakerReport } from './breaker.js';
export { Bulkhead } from './bulkhead.js';
export { LimitsModule } from './limits.module.js';
export { LruMap } from './lru-map.js';
export { RateLimiter } from './rate-limiter.js';
export { type RateOutcome, SlidingWindow } from './sliding-window.js';
