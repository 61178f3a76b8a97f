import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Door, openDoor } from '../support/doors.js';
import type { RawModern } from '../support/raw-modern.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { MODERN } from '../support/wire/spec-schema.js';
import { serverOptions } from './behaviours/behaviour.js';
import { ROUNDS } from './behaviours/rounds.js';
import { STATELESS, SUBSCRIPTIONS } from './behaviours/stateless.js';
import { LASTING } from './behaviours/tasks.js';
import { MODERN_DOORS } from './cells.js';

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
