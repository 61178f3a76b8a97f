import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Door, openDoor } from '../support/doors.js';
import { modernError, type RawModern } from '../support/raw-modern.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { MODERN } from '../support/wire/spec-schema.js';
import { serverOptions } from './behaviours/behaviour.js';
import { ROUNDS } from './behaviours/rounds.js';
import { STATELESS, SUBSCRIPTIONS } from './behaviours/stateless.js';
import { LASTING } from './behaviours/tasks.js';
import { DOORS_WITHOUT_MODERN, LEGACY, MODERN_WAYS } from './cells.js';

const BEHAVIOURS = [...STATELESS, ...SUBSCRIPTIONS, ...ROUNDS, ...LASTING];

describe.each(MODERN_WAYS)('2026-07-28 over $way', ({ door: name, isSecure }) => {
  let door: Door;
  let client: RawModern;

  beforeAll(async () => {
    door = await openDoor(name, { ...serverOptions(), isSecure });
    client = await door.modern();
  }, PATIENCE_MS);

  afterEach(() => door.assertSound());

  afterAll(() => door.close(), PATIENCE_MS);

  it.each(BEHAVIOURS)('$name ($spec)', ({ run }) => run({ client }), PATIENCE_MS);

  it('what was sent was held against the schema', () => {
    expect(door.checkedOf(MODERN)).toBeGreaterThan(2 * BEHAVIOURS.length);
  });
});

describe.each(DOORS_WITHOUT_MODERN)('2026-07-28 over %s', (name) => {
  it(
    'is refused, and the revisions that are served are named (DESIGN D-2)',
    async () => {
      const door = await openDoor(name, serverOptions());
      try {
        expect(await modernError(await door.modern(), 'tools/list')).toMatchObject({
          code: -32022,
          data: { kind: 'unsupported_revision', requested: MODERN, supported: [...LEGACY].reverse() },
        });
        door.assertSound();
      } finally {
        await door.close();
      }
    },
    PATIENCE_MS,
  );
});
