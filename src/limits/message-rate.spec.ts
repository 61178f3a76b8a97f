import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../test/support/fake-clock.js';
import { RecordingSecurityLog } from '../../test/support/tool-world.js';
import { AppConfig } from '../config/index.js';
import { MemoryMetricsRecorder } from '../metrics/metrics-recorder.js';
import { MemoryAddressBlocks } from './address-blocks.js';
import { MessageRate, type MessageSender } from './message-rate.js';
import type { RateAnswer } from './rate-outcome.js';
import { MemoryRateLimiter, RateLimiter } from './rate-limiter.js';
import { RateRules } from './rate-rules.js';
import { RateViolations } from './rate-violations.js';

const SENDER: MessageSender = {
  key: 'k',
  principal: { subject: 'ada', roles: ['bot'] },
  address: '192.0.2.7',
  door: 'http',
};

function world(wrap: (rates: MemoryRateLimiter) => RateLimiter = (rates) => rates) {
  const config = AppConfig.of({ rate: { maxMessages: 5 }, block: { rateMs: 1_000 } });
  const clock = new FakeClock();
  const blocks = new MemoryAddressBlocks(clock);
  const violations = new RateViolations(config, blocks);
  const rules = new RateRules();
  rules.use({ messages: (roles) => (roles.includes('bot') ? 1 : undefined) });
  const security = new RecordingSecurityLog();
  const rates = wrap(new MemoryRateLimiter(config, clock, rules, violations));
  return { blocks, security, rate: new MessageRate(rates, violations, security, new MemoryMetricsRecorder()) };
}

describe('MessageRate', () => {
  it('K-9 S0-12 goes by the roles of a sender, and writes down who is over the limit', () => {
    const { rate, security, blocks } = world();
    expect([rate.take(SENDER), security.names, blocks.list()]).toEqual([{ isAllowed: true }, [], []]);
    expect(rate.take(SENDER)).toMatchObject({ isAllowed: false, limit: 1 });
    expect(security.events).toEqual([
      {
        event: 'rate_limit_exceeded',
        details: {
          transport: 'http',
          ip: '192.0.2.7',
          principal: 'ada',
          bucket: 'messages',
          limit: 1,
          windowMs: 60_000,
          retryAfterMs: 60_000,
          message: 'Rate limit exceeded for client: 192.0.2.7',
        },
      },
    ]);
    expect(blocks.list()).toMatchObject([{ address: '192.0.2.7', reason: 'rate_limit_exceeded' }]);
  });

  it('names a sender without an address by their subject, and blocks nobody', () => {
    const { rate, security, blocks } = world();
    for (let i = 0; i < 2; i++) void rate.take({ ...SENDER, address: undefined });
    expect(security.events.at(-1)?.details['message']).toBe('Rate limit exceeded for client: ada');
    expect(blocks.list()).toEqual([]);
  });

  it('waits for a rate that is decided elsewhere', async () => {
    const { rate, security } = world((rates) =>
      Object.assign(Object.create(rates) as RateLimiter, {
        takeMessage: (...args: Parameters<RateLimiter['takeMessage']>): RateAnswer =>
          Promise.resolve(rates.takeMessage(...args)),
      }),
    );
    expect([await rate.take(SENDER), await rate.take(SENDER)]).toMatchObject([
      { isAllowed: true },
      { isAllowed: false },
    ]);
    expect(security.names).toEqual(['rate_limit_exceeded']);
  });
});
