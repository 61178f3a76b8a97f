import { describe, expect, it } from '@jest/globals';
import { TOKEN } from '../../../test/support/auth-world.js';
import { digestOf, isSameDigest } from './digest.js';
import { StaticTokens } from './static-tokens.js';

const OTHER = 'Pw2nXv8Rk5Tz0Lb7Jc3Hs9Gd1Mf6Qy4A';

describe('what tokens are compared by', () => {
  it('compares digests alone, never what a caller sent', () => {
    const tokens = new StaticTokens(`alice:operator:${TOKEN},bob:viewer:${OTHER}`);
    // The text says nothing, however much of it fits: only the digest does, which a near miss has none of.
    expect(tokens.check('anything', digestOf(TOKEN))).toMatchObject({ proof: { principal: { subject: 'alice' } } });
    expect(tokens.check(TOKEN, digestOf(`${TOKEN.slice(0, -1)}x`))).toBeUndefined();
  });

  it('W-7 a near miss shares nothing with what it misses, where the comparison looks', () => {
    const near = digestOf(`${TOKEN.slice(0, -1)}x`);
    const own = digestOf(TOKEN);
    const shared = own.filter((byte, at) => near[at] === byte).length;
    expect(shared).toBeLessThan(4);
    expect([isSameDigest(own, near), isSameDigest(own, digestOf(TOKEN))]).toEqual([false, true]);
    expect(isSameDigest(own, own.subarray(0, 16))).toBe(false);
  });
});
