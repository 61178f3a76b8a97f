import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { alone } from '../../../test/support/alone.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { type SharedReplica, SharedWorld } from '../../../test/support/shared-world.js';
import { principalOf, RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { AppConfig, type ConfigOverrides } from '../../config/index.js';
import { MemoryAddressBlocks } from '../../limits/address-blocks.js';
import { RateRules } from '../../limits/rate-rules.js';
import { RateViolations } from '../../limits/rate-violations.js';
import { MemoryRateLimiter } from '../../limits/rate-limiter.js';
import { EmbeddedState, Replica } from '../../store/index.js';
import {
  ConnectionAdmission,
  type ConnectionDoor,
  type ConnectionRefusal,
  isRefusal,
  type Place,
} from './connection-admission.js';
import { SharedConnections } from './shared-connections.js';

const ADA = principalOf('operator');
const BOB = { ...ADA, subject: 'bob' };
const ANONYMOUS = { ...ADA, subject: 'anonymous', isAuthenticated: false };

let clock: FakeClock;
let security: RecordingSecurityLog;
let blocks: MemoryAddressBlocks;

async function admission(settings: ConfigOverrides = {}): Promise<ConnectionAdmission> {
  const state = await EmbeddedState.open({ clock });
  return admissionOf(settings, new SharedConnections(state, new Replica(), alone(state, clock), clock));
}

function admissionOf(settings: ConfigOverrides, shared: SharedConnections): ConnectionAdmission {
  const config = AppConfig.of(settings);
  const rates = new MemoryRateLimiter(config, clock, new RateRules(), new RateViolations(config, blocks));
  return new ConnectionAdmission(config, blocks, rates, security, clock, shared);
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
  it('S0-10 S2-18 takes 100 in all, tells the 101st of the cap though it was hasty too, and frees places', async () => {
    const door = await admission();
    const places: Place[] = [];
    for (let i = 0; i < 100; i++) places.push(place(await door.admit('websocket', '1.2.3.4')));
    expect(await door.admit('websocket', '1.2.3.4')).toEqual({ kind: 'connection_limit' });
    expect(security.events).toEqual([
      { event: 'connection_limit', details: { transport: 'websocket', ip: '1.2.3.4', limit: 100 } },
    ]);
    places[0]?.release();
    places[0]?.release();
    expect([kindOf(await door.admit('sse', '5.6.7.8')), kindOf(await door.admit('sse', '5.6.7.8'))]).toEqual([
      'in',
      'connection_limit',
    ]);
  });

  it('K-12 has one cap for WebSocket and SSE, another for TCP, and one over all', async () => {
    const door = await admission({ limits: { maxConnections: 4, wsMaxConnections: 2, tcpMaxConnections: 3 } });
    const take = async (at: ConnectionDoor): Promise<string> => kindOf(await door.admit(at, '1.1.1.1'));
    expect([await take('websocket'), await take('sse'), await take('websocket'), await take('sse')]).toEqual([
      'in',
      'in',
      'connection_limit',
      'connection_limit',
    ]);
    expect([await take('tcp'), await take('tcp'), await take('tcp')]).toEqual(['in', 'in', 'connection_limit']);
    expect(security.events.map(({ details }) => [details['transport'], details['limit']])).toEqual([
      ['websocket', 2],
      ['sse', 2],
      ['tcp', 3],
    ]);
  });

  it('S2-15 counts connections of an address in a window, whatever the door, and says when there is room', async () => {
    const door = await admission({ rate: { maxConnections: 2 } });
    place(await door.admit('tcp', '1.1.1.1')).release();
    place(await door.admit('websocket', '::ffff:1.1.1.1')).release();
    clock.advance(20_000);
    expect(await door.admit('sse', '1.1.1.1')).toEqual({ kind: 'rate_limited', retryAfterMs: 40_000 });
    expect(security.events).toMatchObject([
      { event: 'rate_limit_exceeded', details: { transport: 'sse', ip: '1.1.1.1', bucket: 'connections' } },
    ]);
    expect(kindOf(await door.admit('sse', '2.2.2.2'))).toBe('in');
    clock.advance(40_000);
    expect(kindOf(await door.admit('sse', '1.1.1.1'))).toBe('in');
  });

  it('S2-17 refuses a blocked address until its time is over, and says how long that is', async () => {
    const door = await admission();
    blocks.block('9.9.9.9', 60_000, 'auth_failures');
    clock.advance(10_000);
    expect(await door.admit('tcp', '9.9.9.9')).toEqual({ kind: 'blocked', retryAfterMs: 50_000 });
    expect(security.events).toEqual([
      {
        event: 'blocked_connection',
        details: { transport: 'tcp', ip: '9.9.9.9', untilMs: clock.now() + 50_000 },
      },
    ]);
    clock.advance(50_000);
    expect(kindOf(await door.admit('tcp', '9.9.9.9'))).toBe('in');
  });

  it('K-12 counts the connections of a principal, and of nobody whom nothing proves', async () => {
    const door = await admission({ limits: { maxConnectionsPerPrincipal: 2 } });
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map(async () => place(await door.admit('websocket', '1.1.1.1'))),
    );
    expect([await first?.claim(ADA), await second?.claim(ADA), await third?.claim(ADA)]).toEqual([true, true, false]);
    // Who it is already is not counted twice.
    expect([await first?.claim(ADA), await third?.claim(BOB)]).toEqual([true, true]);
    first?.release();
    expect([await place(await door.admit('tcp', '1.1.1.1')).claim(ADA), await first?.claim(ADA)]).toEqual([
      true,
      false,
    ]);
    for (let i = 0; i < 5; i++) expect(await place(await door.admit('tcp', '1.1.1.1')).claim(ANONYMOUS)).toBe(true);
  });

  it('K-36 takes nobody when the server ends', async () => {
    const door = await admission();
    door.close();
    expect(await door.admit('tcp', '1.1.1.1')).toEqual({ kind: 'shutting_down' });
  });

  it('keeps its books, whatever comes and goes', async () => {
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom('admit', 'claim', 'release'),
        door: fc.constantFrom<ConnectionDoor>('websocket', 'sse', 'tcp'),
        who: fc.constantFrom(ADA, BOB, ANONYMOUS),
        at: fc.nat(20),
      }),
      { maxLength: 80 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const limits = { maxConnections: 5, wsMaxConnections: 3, tcpMaxConnections: 3, maxConnectionsPerPrincipal: 2 };
        const door = await admission({ limits, rate: { enabled: false } });
        const held: { place: Place; owner?: string }[] = [];
        for (const { what, door: at, who, at: index } of taken) {
          const one = held[index % Math.max(1, held.length)];
          const count = (doors: readonly ConnectionDoor[]): number =>
            held.filter(({ place: { door: of } }) => doors.includes(of)).length;
          if (what === 'admit') {
            const isRoom = held.length < 5 && (at === 'tcp' ? count(['tcp']) < 3 : count(['websocket', 'sse']) < 3);
            const outcome = await door.admit(at, '1.1.1.1');
            expect(!isRefusal(outcome)).toBe(isRoom);
            if (!isRefusal(outcome)) held.push({ place: outcome });
          } else if (one && what === 'claim') {
            const others = held.filter((other) => other !== one && other.owner === who.subject).length;
            const isRoom = !who.isAuthenticated || one.owner === who.subject || others < 2;
            expect(await one.place.claim(who)).toBe(isRoom);
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

describe('ConnectionAdmission of several replicas', () => {
  let world: SharedWorld;

  beforeEach(() => {
    world = new SharedWorld(clock);
  });

  const both = async (settings: ConfigOverrides): Promise<[ConnectionAdmission, ConnectionAdmission]> => {
    const [one, two] = [await world.replica(), await world.replica()];
    await world.beat();
    const of = ({ backend, own, replicas }: SharedReplica): ConnectionAdmission =>
      admissionOf(settings, new SharedConnections(backend, own, replicas, clock));
    return [of(one), of(two)];
  };

  it('K-12 counts connections and those of a principal at all of them together', async () => {
    const [a, b] = await both({ limits: { maxConnections: 4, wsMaxConnections: 2, maxConnectionsPerPrincipal: 1 } });
    const first = place(await a.admit('websocket', '1.1.1.1'));
    place(await b.admit('sse', '1.1.1.1'));
    expect(await a.admit('websocket', '1.1.1.1')).toEqual({ kind: 'connection_limit' });
    const third = place(await b.admit('tcp', '1.1.1.1'));
    expect([await first.claim(ADA), await third.claim(ADA), await third.claim(BOB)]).toEqual([true, false, true]);
    first.release();
    await nextTurn();
    expect(await third.claim(ADA)).toBe(true);
    expect(kindOf(await b.admit('websocket', '1.1.1.1'))).toBe('in');
  });

  it('keeps the places of connections that last, and frees those of a replica that died', async () => {
    const [a, b] = await both({ limits: { wsMaxConnections: 2 } });
    place(await a.admit('websocket', '1.1.1.1'));
    place(await b.admit('websocket', '1.1.1.1'));
    for (let passed = 0; passed < 120; passed++) {
      clock.advance(1_000);
      a.sweep();
    }
    expect(kindOf(await a.admit('websocket', '1.1.1.1'))).toBe('in');
    expect(kindOf(await a.admit('websocket', '1.1.1.1'))).toBe('connection_limit');
  });

  it('frees a place that was given back while its principal was counted', async () => {
    const [a, b] = await both({ limits: { maxConnectionsPerPrincipal: 1 } });
    const left = place(await a.admit('tcp', '1.1.1.1'));
    const claim = left.claim(ADA);
    left.release();
    expect(await claim).toBe(false);
    await nextTurn();
    expect(await place(await b.admit('tcp', '1.1.1.1')).claim(ADA)).toBe(true);
  });

  it('D-23 keeps to its portion while the store is out of reach', async () => {
    const [a] = await both({ limits: { tcpMaxConnections: 4, maxConnectionsPerPrincipal: 2 } });
    world.become('down');
    const kinds = [];
    for (let i = 0; i < 3; i++) kinds.push(await a.admit('tcp', '1.1.1.1'));
    expect(kinds.map(kindOf)).toEqual(['in', 'in', 'connection_limit']);
    const [one, two] = kinds as [Place, Place];
    expect([await one.claim(ADA), await two.claim(ADA)]).toEqual([true, false]);
    one.release();
    expect(await two.claim(ADA)).toBe(true);
  });
});

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
