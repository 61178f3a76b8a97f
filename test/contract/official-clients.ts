import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../support/clients.js';
import { type Door, openDoor } from '../support/doors.js';
import type { TestClient } from '../support/test-client.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { CAPABILITIES, type ClientSubject, isSeen, serverOptions } from './behaviours/behaviour.js';
import { ASKING } from './behaviours/asking.js';
import { CHANGES } from './behaviours/changes.js';
import { COMPLETIONS, PROMPTS, RESOURCES } from './behaviours/features.js';
import { LIFECYCLE } from './behaviours/lifecycle.js';
import { PAGES } from './behaviours/lists.js';
import { RUNNING } from './behaviours/running.js';
import { TOOLS } from './behaviours/tools.js';
import { type Cell, cellsOf, type Way } from './cells.js';

const FEATURES = [...TOOLS, ...PAGES, ...RESOURCES, ...PROMPTS, ...COMPLETIONS];
const BEHAVIOURS = [...LIFECYCLE, ...FEATURES, ...RUNNING, ...ASKING, ...CHANGES];

/** Every behaviour, seen with every official client over some of the ways: a file for some each, so that they share the cores. */
export function describeOfficialClients(ways: readonly Way[]): void {
  describe.each(ways)('official clients over $way', theirCells);
}

function theirCells(way: Way): void {
  let door: Door;

  beforeAll(async () => {
    door = await openDoor(way.door, { ...serverOptions(), isSecure: way.isSecure });
  }, PATIENCE_MS);

  afterEach(() => door.assertSound());

  afterAll(() => door.close(), PATIENCE_MS);

  const cells = cellsOf(way);

  describe.each(cells)('$client, $revision', (cell: Cell) => {
    const clients: TestClient[] = [];
    let client: TestClient;

    const another: ClientSubject['another'] = async ({ capabilities = CAPABILITIES } = {}) => {
      const connected = await connect(cell.client, door.target(), { revision: cell.revision, capabilities });
      clients.push(connected);
      return connected;
    };

    beforeAll(async () => {
      client = await another();
    }, PATIENCE_MS);

    afterAll(() => Promise.all(clients.map((each) => each.end())), PATIENCE_MS);

    const here = BEHAVIOURS.filter(({ where }) => where?.(cell) ?? true).filter(isSeen);
    it.each(here)('$name ($spec)', ({ run }) => run({ client, revision: cell.revision, another }), PATIENCE_MS);
  });

  it.each(cells)('what $client was sent of $revision was held against its schema', ({ revision }) => {
    expect(door.checkedOf(revision)).toBeGreaterThan(BEHAVIOURS.length / 2);
  });
}
