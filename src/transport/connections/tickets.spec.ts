import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { principalOf, RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { type Principal, Revocations } from '../../auth/index.js';
import { Sealer } from '../../session/index.js';
import { EmbeddedState } from '../../store/index.js';
import { TICKET_LIVES_MS, Tickets } from './tickets.js';

let clock: FakeClock;
let state: EmbeddedState;
let revocations: Revocations;
let tickets: Tickets;

beforeEach(async () => {
  clock = new FakeClock();
  state = await EmbeddedState.open({ clock });
  revocations = await Revocations.load({
    store: state.durable,
    bus: state.bus,
    clock,
    security: new RecordingSecurityLog(),
  });
  tickets = new Tickets(new Sealer(state.keys), state.durable, revocations, clock);
});

const ADA: Principal = { ...principalOf('operator'), scopes: ['tools'], credentialId: 'k1' };
const REFUSED = { kind: 'auth_failed', message: 'Authentication failed' };

describe('Tickets', () => {
  it('S2-8 opens one connection for whom it was given to, with all that the credential was good for', async () => {
    const { id, expiresAt } = tickets.issue(ADA);
    expect([expiresAt, /^[\w-]+$/.test(id)]).toEqual([clock.now() + TICKET_LIVES_MS, true]);
    expect(await tickets.redeem(id)).toEqual(ADA);
    await expect(tickets.redeem(id)).rejects.toMatchObject(REFUSED);
  });

  it('S2-8 opens no more than one connection, however many come at once', async () => {
    const { id } = tickets.issue(ADA);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => tickets.redeem(id)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('S2-8 is used up for a replica with the same keys and store, too', async () => {
    const { id } = tickets.issue(ADA);
    const replica = new Tickets(new Sealer(state.keys), state.durable, revocations, clock);
    await replica.redeem(id);
    await expect(tickets.redeem(id)).rejects.toMatchObject(REFUSED);
  });

  it('S2-8 is good for 30 s, and for no longer than its credential', async () => {
    const { id } = tickets.issue(ADA);
    const short = tickets.issue({ ...ADA, expiresAt: clock.now() + 1_000 });
    expect(short.expiresAt).toBe(clock.now() + 1_000);
    clock.advance(1_000);
    await expect(tickets.redeem(short.id)).rejects.toMatchObject(REFUSED);
    clock.advance(TICKET_LIVES_MS - 1_000);
    await expect(tickets.redeem(id)).rejects.toMatchObject(REFUSED);
  });

  it('D-10 opens nothing for a credential that was revoked after it was given out', async () => {
    const before = tickets.issue(ADA);
    const other = tickets.issue({ ...ADA, credentialId: 'k2' });
    clock.advance(1_000);
    await revocations.revoke({ kind: 'credential', id: 'k1' }, 'gatehouse/root');
    await expect(tickets.redeem(before.id)).rejects.toMatchObject(REFUSED);
    expect(await tickets.redeem(other.id)).toMatchObject({ credentialId: 'k2' });
  });

  it.each(['', 'x', '../..', 'a'.repeat(100_000)])('D-7 opens for no text of a stranger', async (id) => {
    await expect(tickets.redeem(id)).rejects.toMatchObject(REFUSED);
  });

  it('D-7 is no other sealed thing, and no other sealed thing is a ticket', async () => {
    const sealer = new Sealer(state.keys);
    const cursor = sealer.seal('cursor', Buffer.from(JSON.stringify({ expiresAt: Infinity, principal: ADA })));
    await expect(tickets.redeem(cursor)).rejects.toMatchObject(REFUSED);
    expect(sealer.open('session', tickets.issue(ADA).id, 4_096)).toBeUndefined();
  });

  it('is not given for what does not fit', () => {
    expect(() => tickets.issue({ ...ADA, scopes: Array.from({ length: 1_000 }, (_, at) => `scope-${at}`) })).toThrow(
      'do not fit into a ticket',
    );
  });

  it('opens nothing where its use cannot be noted, and may be tried again', async () => {
    const { id } = tickets.issue(ADA);
    const put = jest.spyOn(state.durable, 'put').mockRejectedValueOnce(new Error('the disk is full'));
    await expect(tickets.redeem(id)).rejects.toThrow('the disk is full');
    put.mockRestore();
    expect(await tickets.redeem(id)).toEqual(ADA);
  });
});
