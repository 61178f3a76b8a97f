import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Clock, ProtocolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { AddressBlocks, addressKey, isLoopbackAddress, LruMap, SlidingWindow } from '../limits/index.js';
import type { Credentials } from './authenticator.js';
import type { Refusal } from './verdict.js';

/** Addresses whose failures are remembered at once. */
const MAX_ADDRESSES = 10_000;

/** Writes down refused credentials, and blocks addresses from which too many come (S2-17). */
@Injectable()
export class AuthFailures {
  /** One failure fewer than what blocks: the one that does not fit in is the last. */
  private readonly windows = new LruMap<SlidingWindow>(MAX_ADDRESSES);

  constructor(
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly blocks: AddressBlocks,
    private readonly security: SecurityLog,
  ) {}

  /** Never writes what the caller sent, but for the id of a key that exists. */
  note({ reason, keyId, isGuess }: Refusal, { address, door }: Credentials): void {
    this.security.emit('invalid_auth', { transport: door, ip: address, reason, keyId });
    // A socket that has no address has no stranger behind it either.
    if (!isGuess || address === undefined || isLoopbackAddress(address)) return;
    if (this.config.block.enabled) this.count(address);
  }

  /**
   * Nothing is looked at for an address that is blocked, at whatever door it asks, and on a connection from before too.
   * @throws ProtocolError blocked
   */
  assertNotBlocked({ address, door }: Credentials): void {
    const block = this.blocks.blockOf(address);
    if (!block) return;
    this.security.emit('blocked_connection', { transport: door, ip: address, untilMs: block.until });
    const retryAfterMs = Math.max(0, block.until - this.clock.now());
    throw new ProtocolError('blocked', 'Forbidden: this address is blocked for a while', { data: { retryAfterMs } });
  }

  private count(address: string): void {
    if (!this.isOneTooMany(address)) return;
    const { durationMs } = this.config.block;
    this.blocks.block(address, durationMs, 'auth_failures');
  }

  private isOneTooMany(address: string): boolean {
    const { maxFailures, windowMs } = this.config.block;
    if (maxFailures === 1) return true;
    const window = this.windows.use(addressKey(address), () => new SlidingWindow(maxFailures - 1, windowMs));
    return !window.take(this.clock.monotonic()).isAllowed;
  }
}
