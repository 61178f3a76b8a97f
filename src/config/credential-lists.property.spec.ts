import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseApiKeys, parseAuthTokens, parseCertificateRoles } from './credential-lists.js';
import { isWeakSecret } from './weak-secrets.js';

const PARSERS = { parseAuthTokens, parseApiKeys, parseCertificateRoles };
const PIECES = fc.array(
  fc.oneof(
    fc.constantFrom(':', ',', ';', '+', '=', '\n', ' ', 'alice', 'viewer', 'tcp', '*', 'CN=', '__proto__', 'ghk_'),
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  ),
  { maxLength: 24 },
);

describe.each(Object.entries(PARSERS))('%s', (_name, parse) => {
  it('W-7 gives entries or nothing, and never throws', () => {
    fc.assert(
      fc.property(PIECES, (pieces) => {
        const entries = parse(pieces.join(''));
        expect(entries === undefined || entries.length > 0).toBe(true);
        for (const { roles } of entries ?? []) expect(roles.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('parseAuthTokens', () => {
  const name = fc
    .stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@/-]{0,20}$/)
    .filter((text) => !/^(anonymous|local)/.test(text));
  const role = fc.stringMatching(/^[a-z][a-z-]{0,10}$/);
  const token = fc
    .stringMatching(/^[A-Za-z0-9_-]{32,60}$/)
    .filter((text) => !isWeakSecret(text) && !/^gh[kl]_/.test(text));

  it('S2-12 reads back what was written', () => {
    const entry = fc.record({ name, roles: fc.uniqueArray(role, { minLength: 1, maxLength: 3 }), token });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { minLength: 1, maxLength: 5, selector: (each) => each.token }), (entries) => {
        const text = entries.map((each) => `${each.name}:${each.roles.join('+')}:${each.token}`).join(', ');
        expect(parseAuthTokens(text)).toEqual(entries.map((each) => ({ ...each, doors: undefined })));
      }),
    );
  });
});
