import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Door, openDoor } from '../support/doors.js';
import { modernError, type RawModern } from '../support/raw-modern.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { MODERN } from '../support/wire/spec-schema.js';
import { serverOptions } from './behaviours/behaviour.js';
import { ROUNDS } from './behaviours/rounds.js';
import { STATELESS, SUBSCRIPTIONS } from './behaviours/stateless.js';
import { LASTING } from './behaviours/tasks.js';
import { EXCLUDED, MODERN_DOORS } from './cells.js';

const BEHAVIOURS = [...STATELESS, ...SUBSCRIPTIONS, ...ROUNDS, ...LASTING];

describe.each(MODERN_DOORS)('2026-07-28 over %s', (name) => {
  let door: Door;
  let client: RawModern;

  beforeAll(async () => {
    door = await openDoor(name, serverOptions());
    client = await door.modern();
  }, PATIENCE_MS);

  afterEach(() => door.assertSound());

  afterAll(() => door.close(), PATIENCE_MS);

  it.each(BEHAVIOURS)('$name ($spec)', ({ run }) => run({ client }), PATIENCE_MS);

  it('what was sent was held against the schema', () => {
    expect(door.checkedOf(MODERN)).toBeGreaterThan(2 * BEHAVIOURS.length);
  });
});

// D-2 keeps 2026-07-28 out of doors that it has no binding for. There may be none of these.
const without = EXCLUDED.filter(({ revision }) => revision === MODERN);
if (without.length > 0) {
  describe.each(without)('2026-07-28 over $door', ({ door: name }) => {
    it(
      'is refused, and the revisions that are served are named (DESIGN D-2)',
      async () => {
        const door = await openDoor(name, serverOptions());
        try {
          expect(await modernError(await door.modern(), 'tools/list')).toMatchObject({
            code: -32022,
            data: { kind: 'unsupported_revision', requested: MODERN, supported: expect.any(Array) },
          });
        } finally {
          await door.close();
        }
      },
      PATIENCE_MS,
    );
  });
}
