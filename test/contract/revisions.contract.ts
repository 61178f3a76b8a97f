import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Door, openDoor } from '../support/doors.js';
import type { RawSession } from '../support/raw-session.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { isSeen, serverOptions } from './behaviours/behaviour.js';
import { OPENING } from './behaviours/opening.js';
import { OF_EVERY_REVISION } from './behaviours/revisions.js';
import { MODERN } from '../support/wire/spec-schema.js';
import { PLAIN_WAYS, revisionsOver } from './cells.js';

describe.each(PLAIN_WAYS)('the 2025 era over $way', (way) => {
  let door: Door;

  beforeAll(async () => {
    door = await openDoor(way.door, serverOptions());
  }, PATIENCE_MS);

  afterEach(() => door.assertSound());

  afterAll(() => door.close(), PATIENCE_MS);

  const revisions = revisionsOver(way).filter((revision) => revision !== MODERN);

  describe.each(revisions)('%s', (revision) => {
    let session: RawSession;

    beforeAll(async () => {
      session = await door.session(revision);
    }, PATIENCE_MS);

    it.each(OF_EVERY_REVISION.filter(isSeen))('$name ($spec)', ({ run }) => run({ session, revision }), PATIENCE_MS);
  });

  describe('the start of a session', () => {
    it.each(OPENING)('$name ($spec)', async ({ run }) => run(await door.unopened()), PATIENCE_MS);
  });

  it.each(revisions)('what was sent of %s was held against its schema', (revision) => {
    expect(door.checkedOf(revision)).toBeGreaterThan(OF_EVERY_REVISION.length);
  });
});
