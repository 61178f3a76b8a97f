export { type AddressBlock, AddressBlocks } from './address-blocks.js';
export { addressKey, isLoopbackAddress } from './address-key.js';
export {
  Breaker,
  BREAKER_STATE_VALUES,
  BREAKER_TRANSITIONS,
  type BreakerReport,
  type BreakerRules,
  type BreakerState,
} from './breaker.js';
export { type BreakerEvent, BreakerWatch } from './breaker-watch.js';
export { Bulkhead, type BulkheadRules } from './bulkhead.js';
export { principalKey } from './caller-key.js';
export { ClientAddresses } from './client-addresses.js';
export { LimitsModule } from './limits.module.js';
export { LruMap } from './lru-map.js';
export { MessageRate, type MessageSender } from './message-rate.js';
export { RateLimiter, type RunLimit, type RunView, type TrackedKeys } from './rate-limiter.js';
export type { RateAnswer, RateOutcome, RateRefusal, RateView } from './rate-outcome.js';
export { type RateOverrides, RateRules, type RunTarget } from './rate-rules.js';
export { RateViolations } from './rate-violations.js';
export { SlidingWindow } from './sliding-window.js';
export type { FindRestSender, RestCaller, RestSender } from './rest/library-throttle.js';
export { RestThrottleGuard, Unthrottled } from './rest/rest-throttle.guard.js';
export { RestThrottleModule, type RestThrottleOptions } from './rest/rest-throttle.module.js';
