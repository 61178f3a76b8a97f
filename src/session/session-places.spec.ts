import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FakeClock } from '../../test/support/fake-clock.js';
import { SharedWorld } from '../../test/support/shared-world.js';
import { RecordingSecurityLog } from '../../test/support/tool-world.js';
import type { Principal } from '../auth/index.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { DurableSessionStore } from '../store/index.js';
import { Sealer } from './sealer.js';
import { SessionPeers } from './session-peers.js';
import { SessionPlaces } from './session-places.js';
import { SessionRecords } from './session-records.js';
import { SessionTerms } from './session-terms.js';
import { SessionService } from './session.service.js';
import type { Session } from './session.js';

const ALICE: Principal = { issuer: 'https://idp', subject: 'alice', roles: ['operator'], isAuthenticated: true };
const BOB: Principal = { ...ALICE, subject: 'bob' };
const ANONYMOUS: Principal = { issuer: 'gatehouse', subject: 'anonymous', roles: [], isAuthenticated: false };
const MINUTE = 60_000;

let clock: FakeClock;
let world: SharedWorld;
let security: RecordingSecurityLog;

beforeEach(() => {
  Logger.overrideLogger(false);
  clock = new FakeClock();
  world = new SharedWorld(clock);
  security = new RecordingSecurityLog();
});

afterEach(() => {
  Logger.overrideLogger(undefined as never);
});

async function replica(settings: ConfigOverrides['sessions'] = {}): Promise<SessionService> {
  const { own, backend, replicas } = await world.replica();
  const terms = new SessionTerms(AppConfig.of({ sessions: settings }), clock);
  const records = new SessionRecords(new DurableSessionStore(world.durable), world.durable);
  const peers = new SessionPeers(world.bus, own, replicas);
  const places = new SessionPlaces(backend, terms, replicas);
  const sessions = new SessionService(terms, new Sealer(world.keys), records, security, peers, places);
  sessions.onModuleInit();
  return sessions;
}

/** Two replicas that know of each other. */
async function replicas(settings: ConfigOverrides['sessions']): Promise<[SessionService, SessionService]> {
  const both: [SessionService, SessionService] = [await replica(settings), await replica(settings)];
  await world.beat();
  return both;
}
const open = async (at: SessionService, principal = ALICE): Promise<Session> => {
  // So that one was used before the other.
  clock.advance(1_000);
  return at.open({ principal, revision: '2025-11-25', capabilities: {}, sealed: true });
};
const isThere = async (at: SessionService, { id }: Session, principal = ALICE): Promise<boolean> =>
  (await at.find(id as string, principal)) !== undefined;

describe('sessions of several replicas', () => {
  it('S3-8 count together: of one caller, the one that was used longest ago gives way, wherever it is', async () => {
    const [a, b] = await replicas({ maxPerClient: 2 });
    const [first, second] = [await open(a), await open(b)];
    const third = await open(b);
    expect(first.isEnded).toBe(true);
    expect(await Promise.all([first, second, third].map((each) => isThere(b, each)))).toEqual([false, true, true]);
    expect(await Promise.all([first, second, third].map((each) => isThere(a, each)))).toEqual([false, true, true]);
    expect(await isThere(a, await open(a, BOB), BOB)).toBe(true);
  });

  it('S3-8 count together over all callers, proven or not', async () => {
    const [a, b] = await replicas({ max: 3, maxPerClient: 2 });
    const all = [await open(a), await open(b, BOB), await open(b, ANONYMOUS)];
    const last = await open(a, ANONYMOUS);
    expect(all.map(({ isEnded }) => isEnded)).toEqual([true, false, false]);
    expect(last.isEnded).toBe(false);
  });

  it('D-11 with work do not give way: with nobody else there, the new one is refused', async () => {
    const [a, b] = await replicas({ maxPerClient: 2 });
    const [busy, other] = [await open(a), await open(b)];
    busy.attachStream(() => undefined);
    other.begin(1, { abort: () => undefined });
    await Promise.all([a.sweep(), b.sweep()]);
    await expect(open(a)).rejects.toMatchObject({
      kind: 'session_limit',
      message: expect.stringContaining('(2) of this caller'),
    });
    expect(security.names).toContain('session_limit');
    expect([busy.isEnded, other.isEnded]).toEqual([false, false]);
    other.finish(1);
    await b.sweep();
    clock.advance(2 * MINUTE);
    b.touch(other);
    await open(a);
    expect([busy.isEnded, other.isEnded]).toEqual([false, true]);
  });

  it('D-11 whose work has just begun do not give way either', async () => {
    const [a] = await replicas({ maxPerClient: 2 });
    const [busy, idle] = [await open(a), await open(a)];
    busy.begin(1, { abort: () => undefined });
    await open(a);
    expect([busy.isEnded, idle.isEnded]).toEqual([false, true]);
  });

  it('give their places back when they end, and when nobody comes back to them', async () => {
    const [a, b] = await replicas({ maxPerClient: 2, timeoutMs: 10 * MINUTE });
    const [one, two] = [await open(a), await open(b)];
    await a.end(one, 'deleted');
    await open(a);
    expect(two.isEnded).toBe(false);
    expect(security.names).not.toContain('session_limit');
    clock.advance(13 * MINUTE);
    expect(await world.counters.heldIn('sessions')).toBe(0);
  });

  it('keep their places for as long as they are used, at whichever replica', async () => {
    const [a, b] = await replicas({ timeoutMs: 10 * MINUTE });
    const session = await open(a);
    for (let passed = 0; passed < 30; passed++) {
      clock.advance(MINUTE);
      expect(await isThere(b, session)).toBe(true);
    }
    expect(await world.counters.heldIn('sessions')).toBe(1);
  });

  it('that are but a copy go without an end: elsewhere they live on', async () => {
    const [a, b] = await replicas({ max: 5, maxPerClient: 5 });
    const small = await replica({ max: 1, maxPerClient: 5 });
    const [one, two] = [await open(a), await open(b)];
    expect([await isThere(small, one), await isThere(small, two)]).toEqual([true, true]);
    expect(small.count).toBe(1);
    expect([one.isEnded, two.isEnded, await isThere(b, one)]).toEqual([false, false, true]);
  });

  it('of connections count as connections, not here', async () => {
    const [a] = await replicas({ maxPerClient: 1 });
    const opening = { principal: ALICE, revision: '2025-11-25', capabilities: {}, sealed: false } as const;
    await a.open(opening);
    expect(await world.counters.heldIn('sessions')).toBe(0);
  });

  it('D-23 are counted by each replica up to its portion while the store is out of reach, told once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const [a, b] = await replicas({ maxPerClient: 4 });
    world.become('down');
    for (let i = 0; i < 8; i++) await open(a);
    expect(a.count).toBe(2);
    expect(a.list().every(({ isEnded }) => !isEnded)).toBe(true);
    const told = warn.mock.calls.filter(([text]) => String(text).includes('portion of the sessions'));
    expect(told).toHaveLength(1);
    world.become('up');
    expect(await isThere(b, await open(a))).toBe(true);
    warn.mockRestore();
  });
});
