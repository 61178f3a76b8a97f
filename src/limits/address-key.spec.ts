import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addressKey, AddressList, isLoopbackAddress } from './address-key.js';

describe('addressKey', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::1'],
    ['::2', '::/64'],
    ['a host', 'unknown'],
    [undefined, 'unknown'],
  ])('W-13 knows %s by %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('W-13 gives all addresses of one /64 the same key, and the key of a key is that key', () => {
    const groups = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, groups, (one, other) => {
        const text = (parts: readonly number[]): string => parts.map((part) => part.toString(16)).join(':');
        const key = addressKey(text(one));
        expect(addressKey(text([...one.slice(0, 4), ...other.slice(4)]))).toBe(key);
        expect(addressKey(key)).toBe(key);
      }),
    );
    fc.assert(fc.property(fc.ipV4(), (address) => addressKey(addressKey(address)) === address));
  });
});

describe('isLoopbackAddress', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', addressKey('::1')])('takes %s for one', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });

  it.each(['10.0.0.1', '::2', addressKey('::2'), 'localhost', undefined])('takes %s for none', (address) => {
    expect(isLoopbackAddress(address)).toBe(false);
  });
});

describe('AddressList', () => {
  it('has single addresses and blocks of both families', () => {
    const list = new AddressList(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', '::1']);
    for (const address of ['10.1.2.3', '192.0.2.1', '::ffff:10.1.1.1', '2001:db8:ffff::1', '::1']) {
      expect([address, list.has(address)]).toEqual([address, true]);
    }
    for (const address of ['11.0.0.1', '192.0.2.2', '2001:db9::1', '::2', 'x', undefined]) {
      expect([address, list.has(address)]).toEqual([address, false]);
    }
  });
});
