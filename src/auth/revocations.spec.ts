import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { AuthWorld, TOKEN } from '../../test/support/auth-world.js';
import type { Revocation } from './revocations.js';

const ALICE = { kind: 'principal', issuer: 'gatehouse', subject: 'alice' } as const;

let world: AuthWorld;
let errors: jest.SpiedFunction<Logger['error']>;

beforeEach(async () => {
  errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
  world = await AuthWorld.open({ auth: { tokens: `alice:operator:${TOKEN}` } });
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('Revocations', () => {
  it('D-10 hold here at once, and in another process when it looks again', async () => {
    const other = await AuthWorld.open({ auth: { tokens: `alice:operator:${TOKEN}` } }, world);
    const heard: Revocation[] = [];
    other.parts.revocations.onRevoked((revocation) => heard.push(revocation));
    for (const each of [world, other]) expect(await each.refusal(TOKEN)).toBeUndefined();
    const revoking = world.parts.revocations.revoke(ALICE, 'spec');
    expect(await world.refusal(TOKEN)).toBe('revoked');
    await revoking;
    expect([await other.refusal(TOKEN), heard]).toEqual([undefined, []]);
    await other.parts.upkeep.run();
    expect([await other.refusal(TOKEN), heard]).toEqual(['revoked', [{ ...ALICE, at: world.clock.now() }]]);
    await other.parts.upkeep.run();
    expect(heard).toHaveLength(1);
  });

  it('outlast a restart, and can be taken back, everywhere', async () => {
    await world.parts.revocations.revoke(ALICE, 'spec');
    const other = await AuthWorld.open({ auth: { tokens: `alice:operator:${TOKEN}` } }, world);
    expect(await other.refusal(TOKEN)).toBe('revoked');
    expect(await world.parts.revocations.lift(ALICE, 'spec')).toBe(true);
    expect(await world.parts.revocations.lift(ALICE, 'spec')).toBe(false);
    await other.parts.upkeep.run();
    for (const each of [world, other]) expect(await each.refusal(TOKEN)).toBeUndefined();
  });

  it('end with the last credential that they are about', async () => {
    await world.parts.revocations.revoke({ kind: 'credential', id: 'x' }, 'spec', world.clock.now() + 1_000);
    expect(await world.store.list('revocations')).toHaveLength(1);
    world.clock.advance(1_000);
    await world.parts.upkeep.run();
    const principal = { issuer: 'a', subject: 'b', roles: [], isAuthenticated: true, credentialId: 'x' };
    expect(world.parts.revocations.isRevoked(principal, 0)).toBe(false);
  });

  it('are about what was given before them, to the millisecond', async () => {
    await world.parts.revocations.revoke(ALICE, 'spec');
    const at = world.clock.now();
    const alice = { issuer: 'gatehouse', subject: 'alice', roles: [], isAuthenticated: true };
    const isRevoked = (issuedAt: number | undefined): boolean => world.parts.revocations.isRevoked(alice, issuedAt);
    expect([undefined, at - 1, at, at + 1].map(isRevoked)).toEqual([true, true, true, false]);
    expect(world.parts.revocations.isRevoked({ ...alice, subject: 'alicia' }, at)).toBe(false);
  });

  it('a listener that fails keeps none of the others from hearing', async () => {
    const heard: string[] = [];
    world.parts.revocations.onRevoked(() => {
      throw new Error('no');
    });
    const stop = world.parts.revocations.onRevoked(({ kind }) => heard.push(kind));
    await world.parts.revocations.revoke(ALICE, 'spec');
    stop();
    await world.parts.revocations.revoke({ kind: 'session', id: 'x' }, 'spec');
    expect(heard).toEqual(['principal']);
  });

  it('does not fall over a record that is none, and says so once', async () => {
    await world.store.put({ namespace: 'revocations', key: 'x', value: { kind: 'everybody', at: 1 } });
    await world.parts.upkeep.run();
    await world.parts.upkeep.run();
    expect(errors).toHaveBeenCalledTimes(1);
  });

  it('no two names share an epoch, whatever is in them', async () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 6 });
    const target = fc.oneof(
      fc.record({ kind: fc.constant('principal' as const), issuer: name, subject: name }),
      fc.record({ kind: fc.constant('credential' as const), id: name }),
    );
    await fc.assert(
      fc.asyncProperty(target, name, name, async (revoked, issuer, subject) => {
        const fresh = await AuthWorld.open({ auth: { tokens: `alice:operator:${TOKEN}` } });
        await fresh.parts.revocations.revoke(revoked, 'spec');
        const principal = { issuer, subject, roles: [], isAuthenticated: true, credentialId: subject };
        const isIt =
          revoked.kind === 'principal'
            ? revoked.issuer === issuer && revoked.subject === subject
            : revoked.kind === 'credential' && revoked.id === subject;
        expect(fresh.parts.revocations.isRevoked(principal, undefined)).toBe(isIt);
      }),
      { numRuns: 50 },
    );
  });
});
