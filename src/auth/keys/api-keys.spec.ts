import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { AuthWorld } from '../../../test/support/auth-world.js';
import { type DurableRecord, DurableStore } from '../../store/index.js';
import { MemoryDurableStore } from '../../store/memory/memory-durable-store.js';
import { digestOf } from '../authenticators/digest.js';
import { keyIdOf, newKeyId, newKeyToken } from './key-token.js';

const BY = 'gatehouse/root';
const REQUEST = { name: 'ci', roles: ['operator'] };
const HOUR = 3_600_000;

let world: AuthWorld;

beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  world = await AuthWorld.open();
});

afterEach(() => {
  jest.restoreAllMocks();
});

const wrong = (token: string): string => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;

describe('ApiKeys: making one', () => {
  it('S2-13 gives a token with 32 random bytes, keeps its hash alone, and lets its holder in', async () => {
    const { key, token } = await world.parts.keys.create({ ...REQUEST, scopes: ['files:read'] }, BY);
    expect(token).toMatch(new RegExp(`^ghk_${key.id}_[A-Za-z0-9_-]{43}$`));
    const kept = JSON.stringify(await world.store.list('api-keys'));
    expect(kept).toContain(digestOf(token).toString('hex'));
    expect(kept).not.toContain(token.slice(-43));
    expect(await world.show(token)).toEqual({
      issuer: 'gatehouse',
      subject: 'ci',
      roles: ['operator'],
      scopes: ['files:read'],
      isAuthenticated: true,
      credentialId: key.id,
    });
    expect(await world.refusal(wrong(token))).toBe('wrong_secret');
  });

  it('6.1 writes down who made it, and never the token', async () => {
    const { key, token } = await world.parts.keys.create(REQUEST, BY);
    expect(world.security.events).toEqual([
      { event: 'token_created', details: { keyId: key.id, principal: 'gatehouse/ci', roles: 'operator', by: BY } },
    ]);
    expect(JSON.stringify(world.security.events)).not.toContain(token);
  });

  it('makes another one each time', async () => {
    const ids = new Set<string>();
    for (let at = 0; at < 50; at++) ids.add((await world.parts.keys.create(REQUEST, BY)).key.id);
    expect(ids.size).toBe(50);
  });

  it.each<[string, object]>([
    ['no role', { roles: [] }],
    ['a role of strange form', { roles: ['a b'] }],
    ['too many roles', { roles: Array.from({ length: 33 }, (_none, at) => `r${at}`) }],
    ['a scope of strange form', { scopes: ['a b'] }],
    ['a role that there is none of', { roles: ['viewer', 'operater'] }],
    ['no name', { name: '' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['the name of an anonymous caller', { name: 'anonymous' }],
    ['the name of the local administrator', { name: 'local-admin' }],
    ['an end in the past', { expiresAt: 1 }],
    ['an end that is no time', { expiresAt: NaN }],
    ['an end beyond all times', { expiresAt: Number.MAX_SAFE_INTEGER }],
  ])('refuses %s', async (_what, more) => {
    await expect(world.parts.keys.create({ ...REQUEST, ...more }, BY)).rejects.toMatchObject({
      kind: 'invalid_params',
    });
    expect(await world.store.list('api-keys')).toEqual([]);
  });

  it('ends at its end', async () => {
    const expiresAt = world.clock.now() + HOUR;
    const { key, token } = await world.parts.keys.create({ ...REQUEST, expiresAt }, BY);
    expect(await world.show(token)).toMatchObject({ expiresAt });
    world.clock.advance(HOUR);
    expect(await world.refusal(token)).toBe('expired');
    expect(world.parts.keys.describe(key.id)).toMatchObject({ state: 'expired' });
  });
});

describe('ApiKeys: changing one', () => {
  it('S2-14 rotates with an overlap: both tokens hold, and then the new one alone', async () => {
    const { key, token: old } = await world.parts.keys.create(REQUEST, BY);
    await world.show(old);
    const ended: string[] = [];
    world.parts.watch.watch(await world.show(old), (why) => ended.push(why));
    const { key: rotated, token } = await world.parts.keys.rotate(key.id, BY, HOUR);
    expect(rotated.oldTokenUntil).toBe(new Date(world.clock.now() + HOUR).toISOString());
    expect(await world.show(old)).toMatchObject({ subject: 'ci', expiresAt: world.clock.now() + HOUR });
    expect(await world.show(token)).toMatchObject({ subject: 'ci', credentialId: key.id });
    world.clock.advance(HOUR);
    await world.parts.upkeep.run();
    expect(ended).toEqual(['revoked']);
    expect(await world.refusal(old)).toBe('expired');
    expect(await world.show(token)).toMatchObject({ subject: 'ci' });
  });

  it('S2-14 rotates without an overlap: the old token ends at once, and what it opened', async () => {
    const { key, token: old } = await world.parts.keys.create(REQUEST, BY);
    const ended: string[] = [];
    world.parts.watch.watch(await world.show(old), (why) => ended.push(why));
    const { token } = await world.parts.keys.rotate(key.id, BY, 0);
    expect([await world.refusal(old), ended]).toEqual(['wrong_secret', ['revoked']]);
    expect(await world.show(token)).toMatchObject({ subject: 'ci' });
  });

  it('has two tokens at most: the one before the last ends with the next rotation', async () => {
    const { key, token: first } = await world.parts.keys.create(REQUEST, BY);
    const { token: second } = await world.parts.keys.rotate(key.id, BY, HOUR);
    await world.parts.keys.rotate(key.id, BY, HOUR);
    expect(await world.refusal(first)).toBe('wrong_secret');
    expect(await world.show(second)).toMatchObject({ subject: 'ci' });
  });

  it('rotations at the same time follow one another: no token that was handed out is lost', async () => {
    const { key } = await world.parts.keys.create(REQUEST, BY);
    const [one, other] = await Promise.all([world.parts.keys.rotate(key.id, BY), world.parts.keys.rotate(key.id, BY)]);
    for (const { token } of [one, other]) expect(await world.show(token)).toMatchObject({ subject: 'ci' });
  });

  it('D-10 revokes at once, in the cache too, and closes what it opened', async () => {
    const { key, token } = await world.parts.keys.create(REQUEST, BY);
    const ended: string[] = [];
    world.parts.watch.watch(await world.show(token), (why) => ended.push(why));
    const revoking = world.parts.keys.revoke(key.id, BY);
    // Before any store had time to answer.
    expect(await world.refusal(token)).toBe('revoked');
    expect(await revoking).toMatchObject({ id: key.id, state: 'revoked' });
    expect(ended).toEqual(['revoked']);
    expect(world.security.events).toContainEqual({
      event: 'token_revoked',
      details: { kind: 'credential', keyId: key.id, principal: 'gatehouse/ci', by: BY },
    });
  });

  it('a revocation that comes while a rotation is written wins', async () => {
    const { key, token: old } = await world.parts.keys.create(REQUEST, BY);
    const [rotated] = await Promise.all([world.parts.keys.rotate(key.id, BY), world.parts.keys.revoke(key.id, BY)]);
    await world.parts.upkeep.run();
    for (const token of [old, rotated.token]) expect(await world.refusal(token)).toBe('revoked');
  });

  it('changes no key twice, none that there is none of, and rotates none of the settings', async () => {
    const { hash, token } = newKeyToken('deploy');
    world = await AuthWorld.open({ auth: { apiKeys: `deploy:${hash}:operator:files:read` } });
    expect(await world.show(token)).toMatchObject({ subject: 'deploy', roles: ['operator'], scopes: ['files:read'] });
    const { key } = await world.parts.keys.create(REQUEST, BY);
    await world.parts.keys.revoke(key.id, BY);
    for (const [id, kind] of [
      [key.id, 'invalid_params'],
      ['nobody', 'not_found'],
      ['__proto__', 'not_found'],
    ] as const) {
      await expect(world.parts.keys.rotate(id, BY)).rejects.toMatchObject({ kind });
      await expect(world.parts.keys.revoke(id, BY)).rejects.toMatchObject({ kind });
    }
    await expect(world.parts.keys.rotate('deploy', BY)).rejects.toMatchObject({ kind: 'invalid_params' });
    for (const overlapMs of [-1, 1.5, 31 * 24 * HOUR, NaN]) {
      await expect(world.parts.keys.rotate('deploy', BY, overlapMs)).rejects.toMatchObject({ kind: 'invalid_params' });
    }
  });

  it('D-10 ends a key of the settings at once, and for good: the settings go on to name it', async () => {
    const { hash, token } = newKeyToken('deploy');
    world = await AuthWorld.open({ auth: { apiKeys: `deploy:${hash}:operator` } });
    await world.show(token);
    expect(await world.parts.keys.revoke('deploy', BY)).toMatchObject({ state: 'revoked', source: 'settings' });
    expect(await world.refusal(token)).toBe('revoked');
    const again = await AuthWorld.open({ auth: { apiKeys: `deploy:${hash}:operator` } }, world);
    expect(await again.refusal(token)).toBe('revoked');
  });

  it('lists every key with its state, and no secret of any', async () => {
    const { hash } = newKeyToken('deploy');
    world = await AuthWorld.open({ auth: { apiKeys: `deploy:${hash}:operator` } });
    const first = await world.parts.keys.create(REQUEST, BY);
    world.clock.advance(1);
    const second = await world.parts.keys.create({ ...REQUEST, name: 'alice' }, BY);
    await world.parts.keys.revoke(first.key.id, BY);
    await world.show(second.token);
    const list = world.parts.keys.list();
    expect(list.map(({ id, state, source }) => [id, state, source])).toEqual([
      ['deploy', 'active', 'settings'],
      [second.key.id, 'active', 'store'],
      [first.key.id, 'revoked', 'store'],
    ]);
    expect(list[1]?.lastUsedAt).toBe(new Date(world.clock.now()).toISOString());
    expect(JSON.stringify(list)).not.toMatch(new RegExp(`${hash}|${second.token.slice(-20)}`));
  });
});

describe('ApiKeys: over time, and over processes', () => {
  it('D-10 another process learns of a new, a rotated and a revoked key when it looks again', async () => {
    const other = await AuthWorld.open({}, world);
    const { key, token } = await world.parts.keys.create(REQUEST, BY);
    expect(await other.refusal(token)).toBe('unknown_key');
    await other.parts.upkeep.run();
    expect(await other.show(token)).toMatchObject({ subject: 'ci' });
    const ended: string[] = [];
    other.parts.watch.watch(await other.show(token), (why) => ended.push(why));
    const { token: next } = await world.parts.keys.rotate(key.id, BY, HOUR);
    await other.parts.upkeep.run();
    expect(await other.show(next)).toMatchObject({ subject: 'ci' });
    await world.parts.keys.revoke(key.id, BY);
    await other.parts.upkeep.run();
    expect([await other.refusal(token), await other.refusal(next), ended]).toEqual(['revoked', 'revoked', ['revoked']]);
  });

  it('D-10 another process that hears of it learns at once of a new and of a revoked key, and closes what it opened', async () => {
    const other = await AuthWorld.open({}, world, world.bus);
    const { key, token } = await world.parts.keys.create(REQUEST, BY);
    await settled();
    const ended: string[] = [];
    other.parts.watch.watch(await other.show(token), (why) => ended.push(why));
    await world.parts.keys.revoke(key.id, BY);
    await settled();
    expect([await other.refusal(token), ended]).toEqual(['revoked', ['revoked']]);
    await other.parts.upkeep.onApplicationShutdown();
  });

  it('D-10 one that is ending hears nothing any more', async () => {
    const other = await AuthWorld.open({}, world, world.bus);
    await other.parts.upkeep.onApplicationShutdown();
    const { token } = await world.parts.keys.create(REQUEST, BY);
    await settled();
    expect(await other.refusal(token)).toBe('unknown_key');
  });

  it('outlasts a restart, with its last use, which is written every 60 s at most', async () => {
    const { key, token } = await world.parts.keys.create(REQUEST, BY);
    await world.show(token);
    const usedAt = new Date(world.clock.now()).toISOString();
    await world.parts.upkeep.run();
    world.clock.advance(30_000);
    await world.show(token);
    await world.parts.upkeep.run();
    const again = await AuthWorld.open({}, world);
    expect(again.parts.keys.describe(key.id).lastUsedAt).toBe(usedAt);
    expect(await again.show(token)).toMatchObject({ subject: 'ci' });
    world.clock.advance(30_000);
    await world.parts.upkeep.run();
    const later = await AuthWorld.open({}, world);
    expect(later.parts.keys.describe(key.id).lastUsedAt).toBe(new Date(world.clock.now() - 30_000).toISOString());
  });

  it('D-23 while the store is out of reach, what is known holds, and a revocation too', async () => {
    const store = new LosingStore(world.clock);
    world = await AuthWorld.open({}, { store, clock: world.clock });
    const [kept, lost] = [await world.parts.keys.create(REQUEST, BY), await world.parts.keys.create(REQUEST, BY)];
    store.isLost = true;
    await expect(world.parts.keys.revoke(lost.key.id, BY)).rejects.toThrow('out of reach');
    await expect(world.parts.keys.create(REQUEST, BY)).rejects.toThrow('out of reach');
    await world.parts.upkeep.run();
    expect([await world.refusal(kept.token), await world.refusal(lost.token)]).toEqual([undefined, 'revoked']);
    store.isLost = false;
    await world.parts.upkeep.run();
    await world.parts.upkeep.run();
    expect(await world.refusal(lost.token)).toBe('revoked');
    expect(world.parts.keys.describe(lost.key.id).state).toBe('revoked');
    expect(await (await AuthWorld.open({}, world)).refusal(lost.token)).toBe('revoked');
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['another id', { id: 'other', name: 'x', roles: ['a'], createdAt: 0, createdBy: 'x', secrets: [] }],
    ['no roles', { id: 'broken', name: 'x', createdAt: 0, createdBy: 'x', secrets: [] }],
    [
      'a hash that is none',
      { id: 'broken', name: 'x', roles: ['a'], createdAt: 0, createdBy: 'x', secrets: [{ hash: '' }] },
    ],
  ])('does not fall over a record with %s', async (_what, value) => {
    await world.store.put({ namespace: 'api-keys', key: 'broken', value });
    const { token } = await world.parts.keys.create(REQUEST, BY);
    await world.parts.upkeep.run();
    expect([world.parts.keys.list().length, await world.refusal(token)]).toEqual([1, undefined]);
  });
});

describe('key tokens', () => {
  it('name their key, and nothing else does', () => {
    const id = newKeyId();
    expect(keyIdOf(newKeyToken(id).token)).toBe(id);
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (one, other) => {
        const found = keyIdOf(`ghk_${one}_${other}`);
        expect(found === undefined || /^[A-Za-z0-9-]{1,32}$/.test(found)).toBe(true);
      }),
    );
    for (const text of [
      '',
      'ghk_',
      'ghk__',
      `ghk_a_${'x'.repeat(42)}`,
      `GHK_a_${'x'.repeat(43)}`,
      `ghk_a_${'x'.repeat(43)}\n`,
    ]) {
      expect(keyIdOf(text)).toBeUndefined();
    }
  });
});

/** Gives those who heard of a change the time to look. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store that can be lost, and found again. */
class LosingStore extends DurableStore {
  isLost = false;
  private readonly inner: MemoryDurableStore;

  constructor(clock: AuthWorld['clock']) {
    super();
    this.inner = new MemoryDurableStore(clock);
  }

  override get = (namespace: string, key: string): Promise<unknown> => this.reach(() => this.inner.get(namespace, key));
  override has = (namespace: string, key: string): Promise<boolean> => this.reach(() => this.inner.has(namespace, key));
  override put = (record: DurableRecord): Promise<void> => this.reach(() => this.inner.put(record));
  override putIfAbsent = (record: DurableRecord): Promise<boolean> => this.reach(() => this.inner.putIfAbsent(record));
  override delete = (namespace: string, key: string): Promise<void> =>
    this.reach(() => this.inner.delete(namespace, key));
  override list = (namespace: string): Promise<DurableRecord[]> => this.reach(() => this.inner.list(namespace));

  private async reach<T>(work: () => Promise<T>): Promise<T> {
    if (this.isLost) throw new Error('The store is out of reach');
    return work();
  }
}
