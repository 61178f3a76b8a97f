import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_NAME_BYTES as MAX_CALLER_BYTES } from '../auth/principal-bounds.js';
import { ProtocolError } from '../common/index.js';
import { LEGACY_REVISIONS } from '../protocol/index.js';
import { SessionKeys } from '../store/index.js';
import { ClientCapabilities } from './capabilities.js';
import { MAX_NAME_BYTES, openSession, sealSession, type SessionIdentity } from './sealed-session.js';
import { Sealer } from './sealer.js';

const sealer = new Sealer(SessionKeys.ephemeral());
const name = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => Buffer.byteLength(text) < 340);
const time = fc.nat(2 ** 47);
const identity = fc.record<SessionIdentity>({
  key: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  issuer: name,
  subject: name,
  revision: fc.constantFrom(...LEGACY_REVISIONS),
  capabilities: fc.nat(63).map((bits) => ClientCapabilities.of(bits)),
  issuedAt: time,
  expiresAt: time,
});
const sample = fc.sample(identity, 1)[0] as SessionIdentity;

describe('sealed session ids', () => {
  it('D-7 have room for the name of every caller that authentication lets in', () => {
    expect(MAX_CALLER_BYTES).toBeLessThanOrEqual(MAX_NAME_BYTES);
    const subject = 's'.repeat(MAX_CALLER_BYTES - 1);
    expect(sealSession(sealer, { ...sample, issuer: 'i', subject }).length).toBeLessThanOrEqual(1_024);
  });

  it('D-7 carry the identity of a session, and nothing changes on the way', () => {
    fc.assert(
      fc.property(identity, (made) => {
        const id = sealSession(sealer, made);
        expect(id).toMatch(/^[\x21-\x7e]{1,1024}$/);
        expect(openSession(sealer, id)).toEqual(made);
      }),
    );
  });

  it('D-7 fit into 1,024 characters with the longest names', () => {
    const issuer = 'i'.repeat(300);
    const id = sealSession(sealer, { ...sample, issuer, subject: 's'.repeat(MAX_NAME_BYTES - 300) });
    expect(id).toHaveLength(1_024);
    expect(openSession(sealer, id)?.issuer).toBe(issuer);
  });

  it('are refused to names that are too long, counted in bytes', () => {
    for (const subject of ['s'.repeat(MAX_NAME_BYTES + 1), 'é'.repeat(MAX_NAME_BYTES / 2 + 1), 's'.repeat(100_000)]) {
      const seal = () => sealSession(sealer, { ...sample, issuer: '', subject });
      expect(seal).toThrow(ProtocolError);
      expect(seal).toThrow(`more than ${MAX_NAME_BYTES} bytes`);
    }
  });

  it('are refused to names that would come back as others', () => {
    expect(() => sealSession(sealer, { ...sample, subject: 'a\ud800' })).toThrow('not well-formed');
  });

  it('are not opened in a format that is not known', () => {
    const good = sealer.open('session', sealSession(sealer, sample)) as Buffer;
    const variant = (change: (bytes: Buffer) => Buffer | void) => {
      const bytes = Buffer.from(good);
      return openSession(sealer, sealer.seal('session', change(bytes) ?? bytes));
    };
    expect(variant(() => undefined)).toEqual(sample);
    expect(variant((bytes) => void bytes.writeUInt8(2, 0))).toBeUndefined();
    expect(variant((bytes) => void bytes.writeUInt32BE(20_300_101, 17))).toBeUndefined();
    expect(variant((bytes) => void bytes.writeUInt16BE(60_000, 35))).toBeUndefined();
    expect(variant((bytes) => bytes.subarray(0, 36))).toBeUndefined();
    expect(variant(() => Buffer.alloc(0))).toBeUndefined();
  });
});
