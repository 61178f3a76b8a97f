import { beforeEach, describe, expect, it } from '@jest/globals';
import { alone } from '../../test/support/alone.js';
import { FakeClock } from '../../test/support/fake-clock.js';
import { principalOf } from '../../test/support/tool-world.js';
import { recordsIn } from '../../test/support/records.js';
import { Sealer } from '../session/index.js';
import { EmbeddedState } from '../store/index.js';
import { FIRST_ROUND, type Round, type RoundOwner, Rounds } from './rounds.js';

const params = { name: 'deploy', arguments: { to: 'prod', at: [1, { b: 2, a: 1 }] } };
const owner = (more: object = {}): RoundOwner => ({
  principal: principalOf('operator'),
  method: 'tools/call',
  params: { ...params, ...more },
});
const refused = { kind: 'invalid_state', message: 'Invalid request state: send the request again without it' };

let clock: FakeClock;
let state: EmbeddedState;
let rounds: Rounds;

beforeEach(async () => {
  clock = new FakeClock();
  state = await EmbeddedState.open({ clock });
  rounds = new Rounds(new Sealer(state.keys), state.durable, clock, alone(state, clock));
});

const sealed = (round: Partial<Round> = {}): string => rounds.seal({ ...FIRST_ROUND, ...round }, owner());

describe('Rounds', () => {
  it('D-5 a first round knows nothing, and takes answers that come with it', async () => {
    expect(await rounds.enter(owner())).toEqual(FIRST_ROUND);
    expect(await rounds.enter(owner({ inputResponses: { a: { action: 'accept' } } }))).toEqual({
      ...FIRST_ROUND,
      answers: { a: { action: 'accept' } },
    });
  });

  it('D-5 the next round knows what was answered and done, and goes by one name', async () => {
    const requestState = sealed({ answers: { a: { n: 1 } }, done: { paid: true } });
    const second = await rounds.enter(owner({ requestState, inputResponses: { b: { n: 2 } } }));
    expect(second).toEqual({
      callId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      number: 1,
      answers: { a: { n: 1 }, b: { n: 2 } },
      done: { paid: true },
    });
    await rounds.leave(second, false);
    const third = await rounds.enter(owner({ requestState: rounds.seal(second, owner()) }));
    expect([third.callId, third.number]).toEqual([second.callId, 2]);
  });

  it('D-5 a later answer takes the place of an earlier one', async () => {
    const requestState = sealed({ answers: { a: { n: 1 } } });
    const { answers } = await rounds.enter(owner({ requestState, inputResponses: { a: { n: 2 } } }));
    expect(answers).toEqual({ a: { n: 2 } });
  });

  it('D-5 takes what a client sends along, in whatever order', async () => {
    const shuffled = {
      arguments: { at: [1, { a: 1, b: 2 }], to: 'prod' },
      name: 'deploy',
      _meta: { progressToken: 1 },
    };
    const round = await rounds.enter({ ...owner(), params: { ...shuffled, requestState: sealed() } });
    expect(round.number).toBe(1);
  });

  it.each<[string, Partial<RoundOwner>]>([
    ['another subject', { principal: { ...principalOf('operator'), subject: 'bob' } }],
    ['another issuer', { principal: { ...principalOf('operator'), issuer: 'https://other' } }],
    ['another method', { method: 'prompts/get' }],
    ['other arguments', { params: { ...params, arguments: { ...params.arguments, to: 'test' } } }],
    ['fewer arguments', { params: { name: 'deploy' } }],
    [
      'arguments in another order of a list',
      { params: { ...params, arguments: { to: 'prod', at: [{ b: 2, a: 1 }, 1] } } },
    ],
    ['another tool', { params: { ...params, name: 'destroy' } }],
  ])('D-5 is good for no other request: %s', async (_what, other) => {
    const requestState = sealed();
    const given = { ...owner(), ...other };
    await expect(rounds.enter({ ...given, params: { ...given.params, requestState } })).rejects.toMatchObject(refused);
    await expect(rounds.enter(owner({ requestState }))).resolves.toMatchObject({ number: 1 });
  });

  it('D-5 lives 10 minutes', async () => {
    const requestState = sealed();
    clock.advance(599_999);
    const round = await rounds.enter(owner({ requestState }));
    await rounds.leave(round, false);
    clock.advance(1);
    await expect(rounds.enter(owner({ requestState }))).rejects.toMatchObject(refused);
  });

  it('D-7 opens nothing that was not sealed as a state', async () => {
    const requestState = sealed();
    const forged = `${requestState.slice(0, -2)}${requestState.endsWith('AA') ? 'BB' : 'AA'}`;
    const other = new Sealer(state.keys).seal('cursor', Buffer.from('{}'));
    for (const text of ['', 'x', forged, other, null, 5, {}, [requestState]]) {
      await expect(rounds.enter(owner({ requestState: text }))).rejects.toMatchObject(refused);
    }
  });

  it('D-5 a round is gone into once at a time', async () => {
    const requestState = sealed();
    const first = await rounds.enter(owner({ requestState }));
    await expect(rounds.enter(owner({ requestState }))).rejects.toMatchObject(refused);
    await rounds.leave(first, false);
    await expect(rounds.enter(owner({ requestState }))).resolves.toMatchObject({ callId: first.callId });
  });

  it('D-5 of two that come at the same moment one gets in', async () => {
    const requestState = sealed();
    const both = await Promise.allSettled([
      rounds.enter(owner({ requestState })),
      rounds.enter(owner({ requestState })),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('D-5 who did not get in does not let others in', async () => {
    const requestState = sealed();
    await rounds.leave(await rounds.enter(owner({ requestState })), true);
    for (let i = 0; i < 3; i++) await expect(rounds.enter(owner({ requestState }))).rejects.toMatchObject(refused);
  });

  it('D-5 the last round uses its state up, on every replica, for as long as it would be good', async () => {
    const requestState = sealed();
    const round = await rounds.enter(owner({ requestState }));
    await rounds.leave(round, true);
    await expect(rounds.enter(owner({ requestState }))).rejects.toMatchObject(refused);
    const replica = new Rounds(new Sealer(state.keys), state.durable, clock, alone(state, clock));
    await expect(replica.enter(owner({ requestState }))).rejects.toMatchObject(refused);
    // Also what an earlier round was given.
    expect(await state.durable.has('rounds', round.callId)).toBe(true);
    clock.advance(600_000);
    expect(await state.durable.has('rounds', round.callId)).toBe(false);
  });

  it('writes nothing down for a request of one round', async () => {
    await rounds.leave(await rounds.enter(owner()), true);
    expect(await recordsIn(state.durable, 'rounds')).toEqual([]);
  });

  it.each([[[]], ['x'], [null], [{ a: 1 }], [{ a: null }], [{ a: [] }]])(
    'refuses answers that are none: %j',
    async (inputResponses) => {
      await expect(rounds.enter(owner({ inputResponses }))).rejects.toMatchObject({ kind: 'invalid_params' });
    },
  );

  it('D-5 carries 16 KiB at most', () => {
    expect(sealed({ done: { big: 'x'.repeat(11_000) } }).length).toBeLessThanOrEqual(16_384);
    expect(() => sealed({ done: { big: 'x'.repeat(13_000) } })).toThrow(
      expect.objectContaining({ family: 'tool', message: expect.stringContaining('16 KiB') as unknown }),
    );
  });

  it('D-5 shows the client nothing of what it carries', () => {
    expect(Buffer.from(sealed({ done: { secret: 'hunter2' } }), 'base64url').includes('hunter2')).toBe(false);
  });
});
