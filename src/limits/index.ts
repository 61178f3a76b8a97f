export { Breaker, type BreakerReport } from './breaker.js';
export { Bulkhead } from './bulkhead.js';
export { LimitsModule } from './limits.module.js';
export { RateLimiter } from './rate-limiter.js';
export type { RateOutcome } from './sliding-window.js';
