import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SessionKeys } from '../store/index.js';
import { SEAL_OVERHEAD_BYTES, SEAL_PURPOSES, Sealer } from './sealer.js';

const key = (kid: string, fill: number) => `${kid}:${Buffer.alloc(32, fill).toString('base64')}`;
const sealerOf = (...keys: string[]) => new Sealer(SessionKeys.fromSetting(keys.join(',')));
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('Sealer', () => {
  const sealer = sealerOf(key('a', 1));

  it('opens what it sealed, for the same purpose alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.constantFrom(...SEAL_PURPOSES), (bytes, purpose) => {
        const text = sealer.seal(purpose, bytes);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(text).toHaveLength(Math.ceil(((bytes.length + SEAL_OVERHEAD_BYTES) * 4) / 3));
        for (const other of SEAL_PURPOSES) {
          expect(sealer.open(other, text)).toEqual(other === purpose ? Buffer.from(bytes) : undefined);
        }
      }),
    );
  });

  it('never seals twice alike', () => {
    expect(sealer.seal('cursor', Buffer.of(1))).not.toBe(sealer.seal('cursor', Buffer.of(1)));
  });

  it('D-7 does not open a text that was changed at any character', () => {
    const sealed = fc.uint8Array({ maxLength: 40 }).map((bytes) => sealer.seal('session', bytes));
    fc.assert(
      fc.property(sealed, fc.nat(63), (text, turn) => {
        for (let at = 0; at < text.length; at++) {
          const there = ALPHABET.indexOf(text[at] as string);
          const other = ALPHABET[(there + 1 + (turn % 63)) % 64] as string;
          expect(sealer.open('session', text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not open a text that was cut or lengthened', () => {
    const text = sealer.seal('session', Buffer.from('some bytes'));
    for (let length = 0; length < text.length; length++) {
      expect(sealer.open('session', text.slice(0, length))).toBeUndefined();
      expect(sealer.open('session', text.slice(length + 1))).toBeUndefined();
    }
    for (const more of ['A', 'AAAA', '=', ' ', '\n', '.', 'é', '\0']) {
      expect(sealer.open('session', text + more)).toBeUndefined();
      expect(sealer.open('session', more + text)).toBeUndefined();
    }
  });

  it('does not open, nor throw at, anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => expect(sealer.open('session', text)).toBeUndefined()),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(sealer.open('ticket', Buffer.from(bytes).toString('base64url'))).toBeUndefined();
      }),
    );
  });

  it('refuses a longer text than the limit unread', () => {
    const text = sealer.seal('request-state', Buffer.alloc(12_000, 1));
    expect(sealer.open('request-state', text)).toBeUndefined();
    expect(sealer.open('request-state', text, 16_384)).toEqual(Buffer.alloc(12_000, 1));
  });

  it('D-9 opens with every key, and seals with the first: rotation keeps what is out there', () => {
    const old = sealer.seal('session', Buffer.from('x'));
    const rotated = sealerOf(key('b', 2), key('a', 1));
    expect(rotated.open('session', old)?.toString()).toBe('x');
    const fresh = rotated.seal('session', Buffer.from('y'));
    expect(sealer.open('session', fresh)).toBeUndefined();
    expect(sealerOf(key('b', 2)).open('session', fresh)?.toString()).toBe('y');
    expect(sealerOf(key('b', 2)).open('session', old)).toBeUndefined();
  });

  it('does not open under the same key of another name, nor under another key of the same name', () => {
    const text = sealer.seal('session', Buffer.from('x'));
    expect(sealerOf(key('z', 1)).open('session', text)).toBeUndefined();
    expect(sealerOf(key('a', 9)).open('session', text)).toBeUndefined();
  });
});
