import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { alone } from '../../test/support/alone.js';
import { FailingStore } from '../../test/support/failing-store.js';
import { FakeClock } from '../../test/support/fake-clock.js';
import { recordsIn } from '../../test/support/records.js';
import { SecurityLog } from '../audit/index.js';
import type { Principal } from '../auth/index.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { DurableSessionStore, type DurableStore, EmbeddedState, SessionStore, Replica } from '../store/index.js';
import { MAX_CLIENT_INFO_CHARS } from './client-info.js';
import { Sealer } from './sealer.js';
import type { Session } from './session.js';
import { SessionPeers } from './session-peers.js';
import { SessionPlaces } from './session-places.js';
import { SessionRecords } from './session-records.js';
import { SessionTerms } from './session-terms.js';
import { type OpenSession, SessionService } from './session.service.js';

const ALICE: Principal = { issuer: 'https://idp', subject: 'alice', roles: ['operator'], isAuthenticated: true };
const BOB: Principal = { ...ALICE, subject: 'bob' };
const ANONYMOUS: Principal = { issuer: 'gatehouse', subject: 'anonymous', roles: ['operator'], isAuthenticated: false };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

class EventList extends SecurityLog {
  readonly events: string[] = [];
  readonly details: object[] = [];

  override emit(...[event, details]: Parameters<SecurityLog['emit']>): void {
    this.events.push(event);
    this.details.push(details);
  }
}

describe('SessionService', () => {
  let clock: FakeClock;
  let folder: string;
  let security: EventList;
  let state: EmbeddedState;
  let sessions: SessionService;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    clock = new FakeClock();
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-session-'));
    await start();
  });

  afterEach(async () => {
    await state.close();
    jest.restoreAllMocks();
    Logger.overrideLogger(undefined as never);
    await rm(folder, { recursive: true });
  });

  const start = async (settings: ConfigOverrides['sessions'] = {}): Promise<void> => {
    state = await EmbeddedState.open({
      clock,
      keys: settings?.keys,
      folder: { path: folder, details: { name: 'test', port: 1 } },
    });
    security = new EventList();
    sessions = serve(settings, state.durable);
  };
  const serve = (
    settings: ConfigOverrides['sessions'],
    durable: DurableStore,
    store?: SessionStore,
  ): SessionService => {
    const terms = new SessionTerms(AppConfig.of({ sessions: settings ?? {} }), clock);
    return new SessionService(
      terms,
      new Sealer(state.keys),
      new SessionRecords(store ?? new DurableSessionStore(durable), durable),
      security,
      new SessionPeers(state.bus, new Replica(), alone(state, clock)),
      new SessionPlaces(state, terms, alone(state, clock)),
    );
  };
  /** What is left after a crash is the folder: nothing is written at the end. */
  const restart = async (settings?: ConfigOverrides['sessions']): Promise<void> => {
    await state.close();
    await start(settings);
  };
  const open = (more: Partial<OpenSession> = {}) =>
    sessions.open({ principal: ALICE, revision: '2025-11-25', capabilities: {}, sealed: true, ...more }) as Session;
  const idOf = (session: { readonly id: string | undefined }): string => session.id as string;
  const call = () => ({ abort: jest.fn() });

  describe('opening and finding', () => {
    it('S3-2 keeps where a session came from', () => {
      const origin = { door: 'http', address: '10.0.0.1', userAgent: 'ua/1' };
      expect([open({ origin }).origin, sessions.openedCount]).toEqual([origin, 1]);
    });

    it('finds a session by its id, with what initialize said', async () => {
      const clientInfo = { name: 'c', version: '1', title: 'C', more: 'dropped' };
      const session = open({ capabilities: { roots: { listChanged: true } }, clientInfo });
      expect(sessions.peek(idOf(session), ALICE)).toBe(session);
      expect(await sessions.find(idOf(session), ALICE)).toBe(session);
      expect(session).toMatchObject({
        revision: '2025-11-25',
        issuedAt: clock.now(),
        expiresAt: clock.now() + 24 * HOUR,
      });
      expect(session.clientCapabilities.rootsListChanged).toBe(true);
      expect(session.clientInfo).toEqual({ name: 'c', version: '1', title: 'C' });
      expect([sessions.count, sessions.list()]).toEqual([1, [session]]);
      expect(security.events).toEqual(['session_created']);
      expect(security.details).toEqual([{ sessionId: session.idHash, principal: 'https://idp/alice' }]);
    });

    it('keeps no more of a client description than people read', () => {
      const long = 'x'.repeat(10_000);
      const { clientInfo } = open({ clientInfo: { name: long, version: long, title: long } });
      expect([clientInfo?.name, clientInfo?.title]).toEqual(Array(2).fill('x'.repeat(MAX_CLIENT_INFO_CHARS)));
    });

    it('S3-4 gives every session another key and id', () => {
      const made = Array.from({ length: 10 }, () => open());
      expect(new Set(made.map(({ key }) => key)).size).toBe(10);
      expect(new Set(made.map(({ id }) => id)).size).toBe(10);
    });

    it('D-7 gives a session of a connection no id, and does not find it by its key', async () => {
      const session = open({ sealed: false });
      expect(session.id).toBeUndefined();
      expect(sessions.peek(session.key, ALICE)).toBeUndefined();
      expect(await sessions.find(session.key, ALICE)).toBeUndefined();
      expect(await recordsIn(state.durable, 'session')).toEqual([]);
      await sessions.end(session, 'disconnected');
      expect(sessions.count).toBe(0);
      expect(await recordsIn(state.durable, 'tombstone')).toEqual([]);
    });

    it('refuses a principal whose names do not fit into an id, and changes nothing', () => {
      const principal = { ...ALICE, subject: 'x'.repeat(5_000) };
      expect(() => open({ principal })).toThrow(expect.objectContaining({ kind: 'invalid_request' }));
      expect(sessions.count).toBe(0);
    });

    it('binds to issuer and subject: the same subject of another issuer is somebody else', async () => {
      const id = idOf(open());
      expect(await sessions.find(id, { ...ALICE, issuer: 'https://other' })).toBeUndefined();
      expect(await sessions.find(id, { ...ALICE, roles: [], isAuthenticated: false })).toBeDefined();
    });
  });

  describe('D-8 answers alike', () => {
    it('for expired, forged, foreign and ended ids, cached or not', async () => {
      const ended = open();
      await sessions.end(ended, 'deleted');
      const foreign = open({ principal: BOB });
      const idle = open();
      const expired = open();
      expired.attachStream(() => undefined);
      clock.advance(31 * MINUTE);
      const idleRest = open();
      clock.advance(23.5 * HOUR - MINUTE);
      const [foreignId, forged] = [idOf(foreign), `${idOf(idleRest).slice(0, -2)}AA`];
      const ids = [idOf(ended), foreignId, idOf(idle), forged, 'x', '', 'Ж'.repeat(50), 'A'.repeat(100_000)];
      for (const id of ids) {
        expect(sessions.peek(id, ALICE)).toBeUndefined();
        expect(await sessions.find(id, ALICE)).toBeUndefined();
      }
      clock.advance(MINUTE);
      expect(sessions.peek(idOf(expired), ALICE)).toBeUndefined();
      expect(await sessions.find(idOf(expired), ALICE)).toBeUndefined();
      await restart();
      for (const id of [...ids, idOf(expired), idOf(idleRest)]) {
        expect(await sessions.find(id, ALICE)).toBeUndefined();
      }
    });

    it('but tells the security log what it was', async () => {
      const ended = open();
      await sessions.end(ended, 'admin');
      const foreign = open({ principal: BOB });
      security.events.length = 0;
      await sessions.find(idOf(ended), ALICE);
      await sessions.find(idOf(foreign), ALICE);
      await sessions.find('forged', ALICE);
      expect(security.events).toEqual(['session_expired', 'session_hijack_attempt', 'invalid_input']);
      expect(security.details.at(-2)).toEqual({ sessionId: foreign.idHash, principal: 'https://idp/alice' });
      expect(JSON.stringify(security.details)).not.toContain(foreign.id);
      clock.advance(24 * HOUR);
      await sessions.find(idOf(foreign), BOB);
      expect(security.events.at(-1)).toBe('session_expired');
    });

    it('to an id that is changed at any place', async () => {
      const id = idOf(open());
      await fc.assert(
        fc.asyncProperty(fc.nat(id.length - 1), fc.constantFrom('A', 'b', '7', '-', '=', ' '), async (at, char) => {
          fc.pre(id[at] !== char);
          expect(await sessions.find(id.slice(0, at) + char + id.slice(at + 1), ALICE)).toBeUndefined();
        }),
      );
    });

    it('does not let a stranger keep a session awake', async () => {
      const session = open();
      clock.advance(20 * MINUTE);
      sessions.peek(idOf(session), BOB);
      await sessions.find(idOf(session), BOB);
      expect(session.lastSeenAt).toBe(clock.now() - 20 * MINUTE);
    });
  });

  describe('outlasting the process', () => {
    it('decision 3: accepts an id after a crash, with what the record kept', async () => {
      const session = open({ clientInfo: { name: 'c', version: '1' }, capabilities: { sampling: {} } });
      clock.advance(30_000);
      session.logLevel = 'warning';
      session.subscribe('a://b');
      sessions.touch(session);
      await restart();
      const rebuilt = await sessions.find(idOf(session), ALICE);
      expect(rebuilt).toMatchObject({
        key: session.key,
        id: session.id,
        clientInfo: { name: 'c', version: '1' },
        logLevel: 'warning',
        issuedAt: session.issuedAt,
        expiresAt: session.expiresAt,
        lastSeenAt: clock.now(),
      });
      expect([...(rebuilt?.subscriptions ?? [])]).toEqual(['a://b']);
      expect(rebuilt?.clientCapabilities).toBe(session.clientCapabilities);
      expect(sessions.peek(idOf(session), ALICE)).toBe(rebuilt);
    });

    it('accepts an id after an orderly end, with the newest of everything', async () => {
      const session = open();
      session.logLevel = 'alert';
      const running = call();
      const close = jest.fn();
      session.begin(1, running);
      session.attachStream(close);
      clock.advance(HOUR);
      await sessions.closeAll();
      expect(running.abort).toHaveBeenCalledWith(expect.objectContaining({ kind: 'shutting_down' }));
      expect(close).toHaveBeenCalledWith('shutdown');
      expect([sessions.count, session.isEnded]).toEqual([0, true]);
      expect(() => open()).toThrow(expect.objectContaining({ kind: 'shutting_down' }));
      await expect(sessions.find(idOf(session), ALICE)).rejects.toMatchObject({ kind: 'shutting_down' });
      await restart();
      expect((await sessions.find(idOf(session), ALICE))?.logLevel).toBe('alert');
    });

    it('D-8 keeps an ended session ended', async () => {
      const session = open();
      await sessions.end(session, 'deleted');
      await restart();
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
      expect(await recordsIn(state.durable, 'session')).toEqual([]);
      clock.advance(24 * HOUR);
      await restart();
      expect(await recordsIn(state.durable, 'tombstone')).toEqual([]);
    });

    it('D-8 rebuilds with defaults when the record is missing', async () => {
      const session = open({ clientInfo: { name: 'c', version: '1' } });
      await restart();
      await state.durable.delete('session', session.key);
      expect(await sessions.find(idOf(session), ALICE)).toMatchObject({ clientInfo: undefined, logLevel: undefined });
    });

    it('drops a log level that it does not know', async () => {
      const session = open();
      await restart();
      await new DurableSessionStore(state.durable).put(
        session.key,
        { lastSeenAt: clock.now(), logLevel: 'loud' },
        9e15,
      );
      expect((await sessions.find(idOf(session), ALICE))?.logLevel).toBeUndefined();
    });

    it('S3-9 ends what was idle too long over a restart, for good', async () => {
      const session = open();
      clock.advance(32 * MINUTE);
      await restart();
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
      await restart({ timeoutMs: 24 * HOUR });
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
    });

    it('allows for a record that is behind', async () => {
      const session = open();
      clock.advance(30 * MINUTE);
      expect(sessions.peek(idOf(session), ALICE)).toBe(session);
      await restart();
      clock.advance(30 * MINUTE);
      expect(await sessions.find(idOf(session), ALICE)).toBeDefined();
    });

    it('D-9 opens ids of an older key, and none of a key that is gone', async () => {
      const [a, b] = [1, 2].map((fill) => `k${fill}:${Buffer.alloc(32, fill).toString('base64')}`);
      await restart({ keys: a as string });
      const session = open();
      await restart({ keys: `${b},${a}` });
      expect(await sessions.find(idOf(session), ALICE)).toBeDefined();
      const fresh = open();
      await restart({ keys: b as string });
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
      expect(await sessions.find(idOf(fresh), ALICE)).toBeDefined();
    });

    it('rebuilds once for many who ask at the same time', async () => {
      const id = idOf(open());
      await restart();
      const found = await Promise.all(Array.from({ length: 20 }, () => sessions.find(id, ALICE)));
      expect(new Set(found).size).toBe(1);
      expect(found[0]).toBeDefined();
      expect(sessions.count).toBe(1);
    });

    it('gives nobody a session that had to give way while it was rebuilt', async () => {
      const ids = [open(), open()].map(idOf);
      await restart({ max: 1 });
      const found = await Promise.all(ids.map((id) => sessions.find(id, ALICE)));
      expect(found[0]).toBeUndefined();
      expect(sessions.list()).toEqual([found[1]]);
    });

    it('does not read the store for a stranger', async () => {
      const id = idOf(open());
      await restart();
      const has = jest.spyOn(state.durable, 'has');
      expect(await sessions.find(id, BOB)).toBeUndefined();
      expect(has).not.toHaveBeenCalled();
    });
  });

  describe('ending', () => {
    it('S3-6 aborts calls, closes streams and counts, without touching others', async () => {
      const [session, other] = [open(), open()];
      const [first, second, foreign] = [call(), call(), call()];
      const close = jest.fn();
      session.begin(1, first);
      session.begin(2, second);
      session.attachStream(close);
      other.begin(1, foreign);
      await sessions.end(session, 'deleted');
      expect(first.abort).toHaveBeenCalledTimes(1);
      expect(second.abort).toHaveBeenCalledTimes(1);
      expect(close).toHaveBeenCalledWith('deleted');
      expect(foreign.abort).not.toHaveBeenCalled();
      expect(security.events.at(-1)).toBe('requests_cancelled');
      expect(security.details.at(-1)).toEqual({ sessionId: session.idHash, count: 2, reason: 'deleted' });
      expect(sessions.list()).toEqual([other]);
    });

    it('S3-13 may be asked twice, and both answers wait for the tombstone', async () => {
      const session = open();
      const ends = [sessions.end(session, 'deleted'), sessions.end(session, 'admin')];
      expect(sessions.peek(idOf(session), ALICE)).toBeUndefined();
      await Promise.all(ends);
      expect(await state.durable.has('tombstone', session.key)).toBe(true);
      sessions.touch(session);
      expect(sessions.count).toBe(0);
    });

    it('D-8 holds from the first moment, before the tombstone is durable', async () => {
      const session = open();
      const end = sessions.end(session, 'deleted');
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
      await end;
    });
  });

  describe('when the store fails', () => {
    let failing: FailingStore;

    beforeEach(() => {
      failing = new FailingStore(() => state.durable);
      sessions = serve({}, failing);
    });

    it('says that an end is not durable, keeps to it, and tries again', async () => {
      const session = open();
      failing.isDown = true;
      await expect(sessions.end(session, 'deleted')).rejects.toThrow('out of reach');
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
      await sessions.sweep();
      expect(await state.durable.has('tombstone', session.key)).toBe(false);
      failing.isDown = false;
      await sessions.sweep();
      expect(await state.durable.has('tombstone', session.key)).toBe(true);
      failing.puts = [];
      await sessions.sweep();
      expect(failing.puts).toEqual([]);
    });

    it('forgets a tombstone that could not be written in all the time of the id', async () => {
      const session = open();
      failing.isDown = true;
      await expect(sessions.end(session, 'deleted')).rejects.toThrow('out of reach');
      clock.advance(24 * HOUR);
      failing.isDown = false;
      failing.puts = [];
      await sessions.sweep();
      expect(failing.puts).toEqual([]);
    });

    it('D-23 opens, finds and rebuilds sessions all the same, and warns once', async () => {
      const id = idOf(open());
      await sessions.closeAll();
      sessions = serve({}, failing);
      failing.isDown = true;
      const warn = jest.spyOn(Logger.prototype, 'warn');
      const rebuilt = await sessions.find(id, ALICE);
      expect(rebuilt).toBeDefined();
      const session = open();
      await new Promise((resolve) => setImmediate(resolve));
      expect(session.isDirty).toBe(true);
      expect(warn).toHaveBeenCalledTimes(1);
      failing.isDown = false;
      clock.advance(30_000);
      sessions.touch(session);
      await new Promise((resolve) => setImmediate(resolve));
      expect(session.isDirty).toBe(false);
    });

    it('goes on when nobody waits for the end that failed', async () => {
      sessions = serve({ maxPerClient: 1 }, failing);
      const first = open();
      failing.isDown = true;
      open();
      expect(first.isEnded).toBe(true);
      const warn = jest.spyOn(Logger.prototype, 'warn');
      clock.advance(31 * MINUTE);
      expect(await sessions.sweep()).toBe(1);
      expect(warn).toHaveBeenCalledWith(expect.stringContaining('is not durable yet'));
    });
  });

  describe('caps', () => {
    it('K-12 D-11 lets the least recently used idle session give way', async () => {
      sessions = serve({ max: 3 }, state.durable);
      const [a, b, c] = [open(), open(), open()];
      clock.advance(1);
      sessions.touch(a);
      b.begin(1, call());
      const d = open();
      expect([a.isEnded, b.isEnded, c.isEnded, sessions.count]).toEqual([false, false, true, 3]);
      b.finish(1);
      a.attachStream(() => undefined);
      d.attachStream(() => undefined);
      open();
      expect(b.isEnded).toBe(true);
      expect(await sessions.find(idOf(b), ALICE)).toBeUndefined();
      await new Promise((resolve) => setImmediate(resolve));
      expect(await state.durable.has('tombstone', b.key)).toBe(true);
    });

    it('D-11 S3-9 refuses a new session only when all are in use', () => {
      sessions = serve({ max: 2 }, state.durable);
      const [a, b] = [open(), open({ principal: BOB })];
      a.begin(1, call());
      b.attachStream(() => undefined);
      expect(() => open()).toThrow(
        expect.objectContaining({
          kind: 'session_limit',
          message: 'Maximum session limit (2) of this server reached, and all are in use: try again later',
        }),
      );
      expect(security.events.at(-1)).toBe('session_limit');
      a.finish(1);
      open({ principal: BOB });
      expect([a.isEnded, b.isEnded]).toEqual([true, false]);
    });

    it('K-12 limits what one proven principal has, and takes the room from that one alone', () => {
      sessions = serve({ maxPerClient: 2 }, state.durable);
      const bobs = open({ principal: BOB });
      const [a, b] = [open(), open()];
      sessions.peek(idOf(a), ALICE);
      open();
      expect([a.isEnded, b.isEnded, bobs.isEnded]).toEqual([false, true, false]);
      for (const session of sessions.list()) session.attachStream(() => undefined);
      expect(() => open()).toThrow('Maximum session limit (2) of this caller');
      expect(sessions.count).toBe(3);
    });

    it('D-11 does not limit callers that share the name anonymous', () => {
      sessions = serve({ maxPerClient: 2 }, state.durable);
      for (let i = 0; i < 10; i++) open({ principal: ANONYMOUS });
      expect(sessions.count).toBe(10);
    });

    it('counts what is rebuilt', async () => {
      const ids = [open(), open(), open()].map(idOf);
      await restart({ maxPerClient: 2 });
      for (const id of ids) expect(await sessions.find(id, ALICE)).toBeDefined();
      expect(sessions.count).toBe(2);
      expect(await sessions.find(ids[0] as string, ALICE)).toBeUndefined();
    });

    it('never lets the session of a connection give way', () => {
      sessions = serve({ max: 1 }, state.durable);
      const bound = open({ sealed: false });
      expect(() => open()).toThrow(expect.objectContaining({ kind: 'session_limit' }));
      expect(bound.isEnded).toBe(false);
    });

    it('keeps its books right in any order of events', () => {
      const action = fc.tuple(fc.constantFrom('open', 'begin', 'finish', 'touch', 'end', 'stream'), fc.nat(7));
      fc.assert(
        fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
          sessions = serve({ max: 5, maxPerClient: 3 }, state.durable);
          const made: ReturnType<typeof open>[] = [];
          for (const [what, which] of actions) {
            const session = made[which % Math.max(1, made.length)];
            clock.advance(1);
            try {
              if (what === 'open') made.push(open({ principal: which % 2 ? ALICE : BOB, sealed: which !== 7 }));
              else if (what === 'begin') session?.begin(1, call());
              else if (what === 'finish') session?.finish(1);
              else if (what === 'stream') session?.attachStream(() => undefined);
              else if (!session) continue;
              else if (what === 'touch') sessions.touch(session);
              else void sessions.end(session, 'admin');
            } catch (error) {
              expect(['session_limit', 'duplicate_request_id', 'session_not_found']).toContain(
                (error as { kind: string }).kind,
              );
            }
            const live = made.filter(({ isEnded }) => !isEnded);
            expect(new Set(sessions.list())).toEqual(new Set(live));
            for (const principal of [ALICE, BOB]) {
              const own = live.filter(({ subject }) => subject === principal.subject);
              expect(own.length).toBeLessThanOrEqual(3);
              expect(own.every(({ owner }) => owner.count === own.length)).toBe(true);
            }
          }
          const idle = made.filter(({ isEnded, isBusy }) => !isEnded && !isBusy);
          const busy = sessions.count - idle.length;
          sessions.list().forEach((session) => sessions.touch(session));
          for (let i = 0; i < 5 - busy; i++) open({ principal: { ...ALICE, subject: `new ${i}` } });
          expect(idle.every(({ isEnded }) => isEnded)).toBe(true);
        }),
        { numRuns: 200 },
      );
    });
  });

  describe('sweeping', () => {
    it('K-16 S3-9 ends idle sessions, and not those with a stream or a running call', async () => {
      const [idle, streaming, working, bound] = [open(), open(), open(), open({ sealed: false })];
      const release = streaming.attachStream(() => undefined);
      working.begin(1, call());
      clock.advance(30 * MINUTE);
      expect(await sessions.sweep()).toBe(0);
      clock.advance(1);
      expect(await sessions.sweep()).toBe(1);
      expect(sessions.list()).toEqual([streaming, working, bound]);
      expect(await state.durable.has('tombstone', idle.key)).toBe(true);
      expect(security.details.at(-1)).toMatchObject({ sessionId: idle.idHash, reason: 'idle' });
      release();
      working.finish(1);
      clock.advance(30 * MINUTE);
      expect(await sessions.sweep(clock.now())).toBe(0);
      clock.advance(1);
      expect(await sessions.sweep(clock.now())).toBe(2);
    });

    it('W-21 does not end a session that is used', async () => {
      const session = open();
      for (let i = 0; i < 10; i++) {
        clock.advance(20 * MINUTE);
        expect(sessions.peek(idOf(session), ALICE)).toBe(session);
        expect(await sessions.sweep()).toBe(0);
      }
    });

    it('W-21 ends what is too old, busy or not, with its streams', async () => {
      const session = open();
      const close = jest.fn();
      session.attachStream(close);
      const bound = open({ sealed: false });
      clock.advance(24 * HOUR);
      expect(await sessions.sweep()).toBe(1);
      expect(close).toHaveBeenCalledWith('expired');
      expect(sessions.list()).toEqual([bound]);
      expect(await recordsIn(state.durable, 'tombstone')).toEqual([]);
    });

    it('ends a session on sight that a sweep has not reached yet', async () => {
      const session = open();
      clock.advance(30 * MINUTE + 1);
      expect(sessions.peek(idOf(session), ALICE)).toBeUndefined();
      expect(await sessions.find(idOf(session), ALICE)).toBeUndefined();
      expect(session.isEnded).toBe(true);
      expect(await state.durable.has('tombstone', session.key)).toBe(true);
    });

    it('D-8 writes a record at most every 30 s, and then what is new', async () => {
      const store = new DurableSessionStore(state.durable);
      const put = jest.spyOn(store, 'put');
      sessions = serve({}, state.durable, store);
      const session = open();
      expect(put).toHaveBeenCalledTimes(1);
      for (let i = 0; i < 60; i++) {
        clock.advance(1_000);
        sessions.touch(session);
      }
      expect(put).toHaveBeenCalledTimes(3);
      await sessions.sweep();
      clock.advance(10 * MINUTE);
      await sessions.sweep();
      expect(put).toHaveBeenCalledTimes(3);
      session.logLevel = 'debug';
      await sessions.sweep();
      expect(put).toHaveBeenCalledTimes(4);
      expect(await store.get(session.key)).toMatchObject({ logLevel: 'debug' });
    });

    it('keeps the record of a session fresh that has an open stream and no more', async () => {
      const session = open();
      session.attachStream(() => undefined);
      for (let i = 0; i < 120; i++) {
        clock.advance(MINUTE);
        await sessions.sweep();
      }
      await restart();
      expect(await sessions.find(idOf(session), ALICE)).toBeDefined();
    });
  });
});
