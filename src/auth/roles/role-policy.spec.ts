import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RolePolicy, type PolicyTarget } from './policy.js';
import type { Principal } from './principal.js';

const policy = new RolePolicy();
const caller = (...roles: string[]): Principal => ({ issuer: 'iss', subject: 'sub', roles, isAuthenticated: true });
const target = (roles?: readonly string[]): PolicyTarget => ({ kind: 'tool', name: 'nmap', tags: [], roles });

describe('RolePolicy', () => {
  it('S1-43 shows a target to the roles that it names', () => {
    expect(policy.isVisible(caller('admin'), target(['admin', 'operator']))).toBe(true);
    expect(policy.isVisible(caller('viewer', 'operator'), target(['admin', 'operator']))).toBe(true);
    expect(policy.isVisible(caller('viewer'), target(['admin', 'operator']))).toBe(false);
    expect(policy.isVisible(caller(), target(['admin']))).toBe(false);
    expect(policy.isVisible(caller('admin '), target(['admin']))).toBe(false);
  });

  it('shows a target without roles to everyone, and one with an empty list to nobody', () => {
    expect(policy.isVisible(caller(), target())).toBe(true);
    expect(policy.isVisible(caller('admin'), target([]))).toBe(false);
  });

  it('D-13 allows what it shows, and gives a reason where it does not', () => {
    expect(policy.decide(caller('admin'), target(['admin']))).toEqual({ isAllowed: true });
    expect(policy.decide(caller('viewer'), target(['admin']))).toEqual({
      isAllowed: false,
      reason: 'Your role may not use this.',
    });
  });

  it('D-13 list and call cannot disagree', () => {
    const roles = fc.array(fc.constantFrom('viewer', 'operator', 'admin', ''), { maxLength: 3 });
    fc.assert(
      fc.property(roles, fc.option(roles, { nil: undefined }), (held, named) => {
        const isVisible = policy.isVisible(caller(...held), target(named));
        expect(isVisible).toBe(named === undefined || held.some((role) => named.includes(role)));
        expect(policy.decide(caller(...held), target(named)).isAllowed).toBe(isVisible);
      }),
    );
  });

  it('who has one view key sees the same, and the order of roles does not matter', () => {
    const names = fc.oneof(fc.constantFrom('a', 'b', 'a,b', 'b,a', '', ',', '["a","b"]', '=a', '"'), fc.string());
    const sets = fc.array(names, { maxLength: 3 });
    fc.assert(
      fc.property(sets, sets, names, (one, other, named) => {
        const [left, right] = [caller(...one), caller(...other)];
        expect(policy.viewKey(caller(...[...one].reverse()))).toBe(policy.viewKey(left));
        if (policy.viewKey(left) !== policy.viewKey(right)) return;
        expect(policy.isVisible(left, target([named]))).toBe(policy.isVisible(right, target([named])));
        expect([...new Set(one)].sort()).toEqual([...new Set(other)].sort());
      }),
      { numRuns: 5_000 },
    );
    expect(policy.viewKey(caller('a,b'))).not.toBe(policy.viewKey(caller('a', 'b')));
    expect(policy.viewKey(caller())).not.toBe(policy.viewKey(caller('')));
  });
});
