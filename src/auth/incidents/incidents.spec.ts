import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { LocalBus } from '../../store/bus.js';
import { type Bus, type DurableRecord, DurableStore, EmbeddedState } from '../../store/index.js';
import { CredentialWatch } from '../credential-watch.js';
import type { Principal } from '../principal.js';
import { IncidentBoard } from './incident-board.js';
import { type IncidentChange, Incidents } from './incidents.js';

const ADA: Principal = { issuer: 'https://idp', subject: 'ada', roles: ['admin'], isAuthenticated: true };
const BOB: Principal = { ...ADA, subject: 'bob' };
const HOUR = 3_600_000;
const order = { reason: 'a leaked key', by: 'https://idp/root' };
const readOnly = { scope: { kind: 'read_only' }, ...order } as const;
const nmap = { scope: { kind: 'tool', tool: 'nmap' }, ...order } as const;
const ada = { scope: { kind: 'principal', issuer: 'https://idp', subject: 'ada' }, ...order } as const;

/** Hands on to a store until it is told to fail. */
class FragileStore extends DurableStore {
  isBroken = false;

  constructor(private readonly store: DurableStore) {
    super();
  }

  override get(...args: Parameters<DurableStore['get']>): Promise<unknown> {
    return this.store.get(...args);
  }

  override has(...args: Parameters<DurableStore['has']>): Promise<boolean> {
    return this.store.has(...args);
  }

  override async put(record: DurableRecord): Promise<void> {
    if (this.isBroken) throw new Error('the disk is full');
    return this.store.put(record);
  }

  override async putIfAbsent(record: DurableRecord): Promise<boolean> {
    if (this.isBroken) throw new Error('the disk is full');
    return this.store.putIfAbsent(record);
  }

  override async delete(namespace: string, key: string): Promise<void> {
    if (this.isBroken) throw new Error('the disk is full');
    return this.store.delete(namespace, key);
  }

  override list(...args: Parameters<DurableStore['list']>): Promise<DurableRecord[]> {
    return this.store.list(...args);
  }
}

let clock: FakeClock;
let store: FragileStore;
let security: RecordingSecurityLog;
let watch: CredentialWatch;
let board: IncidentBoard;
let incidents: Incidents;
let bus: Bus;
const opened: Incidents[] = [];

async function open(): Promise<void> {
  board = new IncidentBoard();
  incidents = new Incidents(board, store, security, watch, clock, bus);
  await incidents.onModuleInit();
  opened.push(incidents);
}

beforeEach(async () => {
  for (const level of ['warn', 'error'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  clock = new FakeClock();
  store = new FragileStore((await EmbeddedState.open({ clock })).durable);
  security = new RecordingSecurityLog();
  watch = new CredentialWatch(clock);
  bus = new LocalBus();
  await open();
});

afterEach(() => {
  for (const one of opened.splice(0)) one.onApplicationShutdown();
  jest.restoreAllMocks();
});

describe('Incidents', () => {
  it('hold at once, are written down, and told to those who act on them', async () => {
    const changes: IncidentChange[] = [];
    incidents.onChange((change) => {
      expect(board.isActive).toBe(true);
      changes.push(change);
    });
    const incident = await incidents.start(readOnly);
    expect(incident).toEqual({ id: 'read_only', ...readOnly, since: clock.now(), until: clock.now() + HOUR });
    expect(changes).toEqual([{ incident, change: 'started' }]);
    expect(incidents.list()).toEqual([incident]);
    expect(security.events).toEqual([
      {
        event: 'incident_started',
        details: {
          incident: 'read_only',
          principal: 'https://idp/root',
          reason: 'a leaked key',
          until: incident.until,
        },
      },
    ]);
  });

  it('go back by themselves', async () => {
    await incidents.start({ ...readOnly, until: clock.now() + 5_000 });
    await incidents.start(nmap);
    const changes: IncidentChange[] = [];
    incidents.onChange((change) => void changes.push(change));
    clock.advance(4_999);
    incidents.sweep();
    expect(incidents.list()).toHaveLength(2);
    clock.advance(1);
    incidents.sweep();
    expect(incidents.list().map(({ id }) => id)).toEqual(['tool:nmap']);
    expect(changes).toMatchObject([{ incident: { id: 'read_only' }, change: 'ended' }]);
    expect(security.events.at(-1)).toMatchObject({
      event: 'incident_ended',
      details: { incident: 'read_only', reason: 'expired' },
    });
    clock.advance(HOUR);
    incidents.sweep();
    expect([board.isActive, incidents.list()]).toEqual([false, []]);
    incidents.sweep();
    expect(security.events).toHaveLength(4);
  });

  it('are put back by whoever may, once', async () => {
    await incidents.start(nmap);
    expect(await incidents.end('tool:nmap', 'https://idp/root')).toBe(true);
    expect(await incidents.end('tool:nmap', 'https://idp/root')).toBe(false);
    expect(security.names).toEqual(['incident_started', 'incident_ended']);
    await open();
    expect(incidents.list()).toEqual([]);
  });

  it('outlast a restart, with their end', async () => {
    await incidents.start(ada);
    await incidents.start({ ...nmap, until: clock.now() + 1_000 });
    clock.advance(1_000);
    await open();
    expect(incidents.list().map(({ id }) => id)).toEqual(['principal:https://idp/ada']);
    expect([board.ofPrincipal(ADA)?.id, board.ofPrincipal(BOB)]).toEqual(['principal:https://idp/ada', undefined]);
  });

  it('records that are none are left alone', async () => {
    for (const [key, value] of Object.entries({ a: 5, b: { scope: {} }, c: { ...nmap, id: 'c', until: 'soon' } })) {
      await store.put({ namespace: 'incidents', key, value });
    }
    await open();
    expect(board.isActive).toBe(false);
  });

  it('one of a kind: another order changes the reason and the end', async () => {
    await incidents.start(readOnly);
    await incidents.start({ ...readOnly, reason: 'still', until: clock.now() + 2 * HOUR });
    expect(incidents.list()).toMatchObject([{ reason: 'still', until: clock.now() + 2 * HOUR }]);
  });

  it('D-10 quarantine ends what the principal has open, and nobody else', async () => {
    const [hers, his] = [jest.fn(), jest.fn()];
    watch.watch(ADA, hers);
    watch.watch(BOB, his);
    await incidents.start(nmap);
    expect(hers).not.toHaveBeenCalled();
    await incidents.start(ada);
    expect(hers.mock.calls).toEqual([['revoked']]);
    expect(his).not.toHaveBeenCalled();
  });

  it.each([
    ['no reason', { reason: ' ' }],
    ['a reason that is too long', { reason: 'x'.repeat(501) }],
    ['an end that is past', { until: Date.UTC(2026, 0, 1) }],
    ['an end that is no time', { until: Number.NaN }],
    ['an end that is too far off', { until: Date.UTC(2026, 0, 31) + 1 }],
  ])('are refused with %s', async (_, wrong) => {
    await expect(incidents.start({ ...readOnly, ...wrong })).rejects.toMatchObject({ kind: 'invalid_params' });
    expect([board.isActive, security.events]).toEqual([false, []]);
  });

  it('are bounded', async () => {
    for (let i = 0; i < 1_000; i++) await incidents.start({ ...order, scope: { kind: 'tool', tool: `t${i}` } });
    await expect(incidents.start(readOnly)).rejects.toMatchObject({ kind: 'server_busy' });
    await expect(incidents.start({ ...order, scope: { kind: 'tool', tool: 't5' } })).resolves.toBeDefined();
  });

  it('that cannot be kept hold all the same, and whoever asked is told', async () => {
    store.isBroken = true;
    await expect(incidents.start(readOnly)).rejects.toMatchObject({ kind: 'store_unavailable' });
    expect(board.ofTarget({ kind: 'tool', name: 'x', tags: [], roles: undefined })?.id).toBe('read_only');
    // And one that cannot be taken from the store stays on: it would come back after a restart.
    await expect(incidents.end('read_only', 'root')).rejects.toMatchObject({ kind: 'store_unavailable' });
    expect(board.isActive).toBe(true);
  });

  it('who fails to act on one keeps nobody else from it', async () => {
    const heard = jest.fn();
    incidents.onChange(() => {
      throw new Error('oops');
    });
    const stop = incidents.onChange(heard);
    await incidents.start(nmap);
    stop();
    await incidents.end('tool:nmap', 'root');
    expect(heard).toHaveBeenCalledTimes(1);
  });

  describe('at other replicas', () => {
    let here: { incidents: Incidents; board: IncidentBoard };

    beforeEach(async () => {
      here = { incidents, board };
      await open();
    });

    it('D-10 hold and end as soon as those hear of it, and cut off whoever is in quarantine', async () => {
      const changes: IncidentChange[] = [];
      incidents.onChange((change) => changes.push(change));
      const ended: string[] = [];
      watch.watch(ADA, () => ended.push('ada'));
      await here.incidents.start(ada);
      await turns();
      expect(board.ofPrincipal(ADA)?.id).toBe('principal:https://idp/ada');
      expect(incidents.list()).toEqual(here.incidents.list());
      expect(ended).toEqual(['ada']);
      await here.incidents.end('principal:https://idp/ada', 'https://idp/root');
      await turns();
      expect(board.isActive).toBe(false);
      expect(changes.map(({ change }) => change)).toEqual(['started', 'ended']);
      // Each is written down once, where it was asked for.
      expect(security.events.map(({ event }) => event)).toEqual(['incident_started', 'incident_ended']);
    });

    it('D-10 hold within 5 s where word of them got lost', async () => {
      jest.spyOn(bus, 'publish').mockReturnValue(undefined);
      await here.incidents.start(readOnly);
      await turns();
      expect(board.isActive).toBe(false);
      clock.advance(5_000);
      incidents.sweep();
      await turns();
      expect(incidents.list()).toEqual(here.incidents.list());
    });

    it('D-23 hold elsewhere once the store takes them again', async () => {
      store.isBroken = true;
      await expect(here.incidents.start(readOnly)).rejects.toMatchObject({ kind: 'store_unavailable' });
      expect(here.board.isActive).toBe(true);
      store.isBroken = false;
      clock.advance(5_000);
      here.incidents.sweep();
      await turns();
      expect(here.board.isActive).toBe(true);
      expect(incidents.list()).toEqual(here.incidents.list());
    });
  });
});

/** Lets what a message began come to its end. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}
