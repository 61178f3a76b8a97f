import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { principalOf, RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { AppConfig, type ConfigOverrides } from '../../config/index.js';
import { MemoryAddressBlocks } from '../../limits/address-blocks.js';
import { RateRules } from '../../limits/rate-rules.js';
import { RateViolations } from '../../limits/rate-violations.js';
import { MemoryRateLimiter } from '../../limits/rate-limiter.js';
import {
  ConnectionAdmission,
  type ConnectionDoor,
  type ConnectionRefusal,
  isRefusal,
  type Place,
} from './connection-admission.js';

const ADA = principalOf('operator');
const BOB = { ...ADA, subject: 'bob' };
const ANONYMOUS = { ...ADA, subject: 'anonymous', isAuthenticated: false };

let clock: FakeClock;
let security: RecordingSecurityLog;
let blocks: MemoryAddressBlocks;

function admission(settings: ConfigOverrides = {}): ConnectionAdmission {
  const config = AppConfig.of(settings);
  const rates = new MemoryRateLimiter(config, clock, new RateRules(), new RateViolations(config, blocks));
  return new ConnectionAdmission(config, blocks, rates, security, clock);
}

beforeEach(() => {
  [clock, security] = [new FakeClock(), new RecordingSecurityLog()];
  blocks = new MemoryAddressBlocks(clock);
});

const kindOf = (outcome: Place | ConnectionRefusal): string => (isRefusal(outcome) ? outcome.kind : 'in');
const place = (outcome: Place | ConnectionRefusal): Place => {
  if (isRefusal(outcome)) throw new Error(outcome.kind);
  return outcome;
};

describe('ConnectionAdmission', () => {
  it('S0-10 S2-18 takes 100 in all, tells the 101st of the cap though it was hasty too, and frees places', () => {
    const door = admission();
    const places = Array.from({ length: 100 }, () => place(door.admit('websocket', '1.2.3.4')));
    expect(door.admit('websocket', '1.2.3.4')).toEqual({ kind: 'connection_limit' });
    expect(security.events).toEqual([
      { event: 'connection_limit', details: { transport: 'websocket', ip: '1.2.3.4', limit: 100 } },
    ]);
    places[0]?.release();
    places[0]?.release();
    expect([kindOf(door.admit('sse', '5.6.7.8')), kindOf(door.admit('sse', '5.6.7.8'))]).toEqual([
      'in',
      'connection_limit',
    ]);
  });

  it('K-12 has one cap for WebSocket and SSE, another for TCP, and one over all', () => {
    const door = admission({ limits: { maxConnections: 4, wsMaxConnections: 2, tcpMaxConnections: 3 } });
    const take = (at: ConnectionDoor): string => kindOf(door.admit(at, '1.1.1.1'));
    expect([take('websocket'), take('sse'), take('websocket'), take('sse')]).toEqual([
      'in',
      'in',
      'connection_limit',
      'connection_limit',
    ]);
    expect([take('tcp'), take('tcp'), take('tcp')]).toEqual(['in', 'in', 'connection_limit']);
    expect(security.events.map(({ details }) => [details['transport'], details['limit']])).toEqual([
      ['websocket', 2],
      ['sse', 2],
      ['tcp', 3],
    ]);
  });

  it('S2-15 counts connections of an address in a window, whatever the door, and says when there is room', () => {
    const door = admission({ rate: { maxConnections: 2 } });
    place(door.admit('tcp', '1.1.1.1')).release();
    place(door.admit('websocket', '::ffff:1.1.1.1')).release();
    clock.advance(20_000);
    expect(door.admit('sse', '1.1.1.1')).toEqual({ kind: 'rate_limited', retryAfterMs: 40_000 });
    expect(security.events).toMatchObject([
      { event: 'rate_limit_exceeded', details: { transport: 'sse', ip: '1.1.1.1', bucket: 'connections' } },
    ]);
    expect(kindOf(door.admit('sse', '2.2.2.2'))).toBe('in');
    clock.advance(40_000);
    expect(kindOf(door.admit('sse', '1.1.1.1'))).toBe('in');
  });

  it('S2-17 refuses a blocked address until its time is over, and says how long that is', () => {
    const door = admission();
    blocks.block('9.9.9.9', 60_000, 'auth_failures');
    clock.advance(10_000);
    expect(door.admit('tcp', '9.9.9.9')).toEqual({ kind: 'blocked', retryAfterMs: 50_000 });
    expect(security.events).toEqual([
      {
        event: 'blocked_connection',
        details: { transport: 'tcp', ip: '9.9.9.9', untilMs: clock.now() + 50_000 },
      },
    ]);
    clock.advance(50_000);
    expect(kindOf(door.admit('tcp', '9.9.9.9'))).toBe('in');
  });

  it('K-12 counts the connections of a principal, and of nobody whom nothing proves', () => {
    const door = admission({ limits: { maxConnectionsPerPrincipal: 2 } });
    const [first, second, third] = [1, 2, 3].map(() => place(door.admit('websocket', '1.1.1.1')));
    expect([first?.claim(ADA), second?.claim(ADA), third?.claim(ADA)]).toEqual([true, true, false]);
    // Who it is already is not counted twice.
    expect([first?.claim(ADA), third?.claim(BOB)]).toEqual([true, true]);
    first?.release();
    expect([place(door.admit('tcp', '1.1.1.1')).claim(ADA), first?.claim(ADA)]).toEqual([true, false]);
    for (let i = 0; i < 5; i++) expect(place(door.admit('tcp', '1.1.1.1')).claim(ANONYMOUS)).toBe(true);
  });

  it('K-36 takes nobody when the server ends', () => {
    const door = admission();
    door.close();
    expect(door.admit('tcp', '1.1.1.1')).toEqual({ kind: 'shutting_down' });
  });

  it('keeps its books, whatever comes and goes', () => {
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom('admit', 'claim', 'release'),
        door: fc.constantFrom<ConnectionDoor>('websocket', 'sse', 'tcp'),
        who: fc.constantFrom(ADA, BOB, ANONYMOUS),
        at: fc.nat(20),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (taken) => {
        const limits = { maxConnections: 5, wsMaxConnections: 3, tcpMaxConnections: 3, maxConnectionsPerPrincipal: 2 };
        const door = admission({ limits, rate: { enabled: false } });
        const held: { place: Place; owner?: string }[] = [];
        for (const { what, door: at, who, at: index } of taken) {
          const one = held[index % Math.max(1, held.length)];
          const count = (doors: readonly ConnectionDoor[]): number =>
            held.filter(({ place: { door: of } }) => doors.includes(of)).length;
          if (what === 'admit') {
            const isRoom = held.length < 5 && (at === 'tcp' ? count(['tcp']) < 3 : count(['websocket', 'sse']) < 3);
            const outcome = door.admit(at, '1.1.1.1');
            expect(!isRefusal(outcome)).toBe(isRoom);
            if (!isRefusal(outcome)) held.push({ place: outcome });
          } else if (one && what === 'claim') {
            const others = held.filter((other) => other !== one && other.owner === who.subject).length;
            const isRoom = !who.isAuthenticated || one.owner === who.subject || others < 2;
            expect(one.place.claim(who)).toBe(isRoom);
            if (isRoom && who.isAuthenticated) one.owner = who.subject;
            else if (isRoom) delete one.owner;
          } else if (one) {
            one.place.release();
            held.splice(held.indexOf(one), 1);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
