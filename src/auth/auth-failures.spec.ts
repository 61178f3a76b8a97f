import { describe, expect, it } from '@jest/globals';
import { AuthWorld, JWT_SECRET, signedToken } from '../../test/support/auth-world.js';
import type { ConfigOverrides } from '../config/index.js';

const WRONG = 'Kd93mfQ1zUw7Yb5Ra0Lt8Xe2Vh6Nc4JX';
const OUTSIDE = '203.0.113.7';

async function open(block: ConfigOverrides['block'] = {}): Promise<AuthWorld> {
  return AuthWorld.open({ block, auth: { jwtSecret: JWT_SECRET } });
}

async function fail(world: AuthWorld, times: number, address = OUTSIDE): Promise<void> {
  for (let at = 0; at < times; at++) expect(await world.refusal(WRONG, { address })).toBe('unknown_token');
}

describe('AuthFailures', () => {
  it('S2-17 blocks an address after its third wrong credential, for an hour, with an event', async () => {
    const world = await open();
    await fail(world, 2);
    expect(world.parts.blocks.blockOf(OUTSIDE)).toBeUndefined();
    await fail(world, 1);
    const until = world.clock.now() + 3_600_000;
    expect(world.parts.blocks.blockOf(OUTSIDE)).toEqual({ address: OUTSIDE, reason: 'auth_failures', until });
    expect(world.security.events.at(-1)).toEqual({
      event: 'ip_blocked',
      details: { ip: OUTSIDE, reason: 'auth_failures', durationMs: 3_600_000 },
    });
    world.clock.advance(3_600_000);
    expect(world.parts.blocks.blockOf(OUTSIDE)).toBeUndefined();
  });

  it('S2-17 counts in a window that slides', async () => {
    const world = await open({ windowMs: 10_000 });
    await fail(world, 2);
    world.clock.advance(10_000);
    await fail(world, 2);
    expect(world.parts.blocks.list()).toEqual([]);
    world.clock.advance(9_999);
    await fail(world, 1);
    expect(world.parts.blocks.list()).toHaveLength(1);
  });

  it('S2-17 goes by the settings', async () => {
    const strict = await open({ maxFailures: 1, durationMs: 5_000 });
    await fail(strict, 1);
    expect(strict.parts.blocks.list()).toEqual([expect.objectContaining({ until: strict.clock.now() + 5_000 })]);
    const off = await open({ enabled: false });
    await fail(off, 20);
    expect(off.parts.blocks.list()).toEqual([]);
  });

  it('S2-17 counts each address by itself, IPv6 by its network', async () => {
    const world = await open();
    await fail(world, 2, '203.0.113.8');
    await fail(world, 2, '203.0.113.9');
    expect(world.parts.blocks.list()).toEqual([]);
    for (const host of ['1', '2', 'ffff:3']) await fail(world, 1, `2001:db8:0:1::${host}`);
    expect(world.parts.blocks.list().map(({ address }) => address)).toEqual(['2001:db8:0:1::/64']);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', undefined])('D-11 never blocks %s', async (address) => {
    const world = await open({ maxFailures: 1 });
    for (let at = 0; at < 5; at++) await world.refusal(WRONG, { address });
    expect(world.parts.blocks.list()).toEqual([]);
    expect(world.security.names).toEqual(Array(5).fill('invalid_auth'));
  });

  it('takes nobody for an attacker who shows nothing, or what was good once', async () => {
    const world = await open({ maxFailures: 1 });
    const exp = world.clock.now() / 1_000 - 3_600;
    const { token, key } = await world.parts.keys.create({ name: 'ci', roles: ['viewer'] }, 'spec');
    await world.parts.keys.revoke(key.id, 'spec');
    const reasons: unknown[] = [];
    for (const shown of [undefined, signedToken({ sub: 'x', exp }), token]) reasons.push(await world.refusal(shown));
    expect(reasons).toEqual(['missing_credential', 'expired', 'revoked']);
    expect(world.parts.blocks.list()).toEqual([]);
    await world.refusal(signedToken({ sub: 'x', exp }, {}, 'another-secret'));
    expect(world.parts.blocks.list()).toHaveLength(1);
  });
});
