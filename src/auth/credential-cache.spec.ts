import { describe, expect, it } from '@jest/globals';
import { CredentialCache } from './credential-cache.js';
import type { Proof } from './verdict.js';

const proof = (subject: string, freshUntil = Infinity): Proof => ({
  principal: { issuer: 'spec', subject, roles: [], isAuthenticated: true },
  method: 'token',
  issuedAt: undefined,
  freshUntil,
});

describe('CredentialCache', () => {
  it('is bounded: what was used longest ago gives way', () => {
    const cache = new CredentialCache(2);
    const [one, two, three] = [proof('one'), proof('two'), proof('three')];
    cache.put('1', one);
    cache.put('2', two);
    expect(cache.get('1', 0)).toBe(one);
    cache.put('3', three);
    expect([cache.size, cache.get('1', 0), cache.get('2', 0), cache.get('3', 0)]).toEqual([2, one, undefined, three]);
  });

  it('gives nothing out whose time is over, swept or not', () => {
    const cache = new CredentialCache(10);
    cache.put('1', proof('one', 100));
    cache.put('2', proof('two', 101));
    expect([cache.get('1', 99) !== undefined, cache.get('1', 100), cache.size]).toEqual([true, undefined, 1]);
    cache.sweep(101);
    expect(cache.size).toBe(0);
  });

  it('forgets whom it is told to', () => {
    const cache = new CredentialCache(10);
    for (const name of ['a', 'b', 'c']) cache.put(name, proof(name));
    cache.drop(({ subject }) => subject !== 'b');
    expect([cache.get('a', 0), cache.get('b', 0)?.principal.subject, cache.size]).toEqual([undefined, 'b', 1]);
  });
});
