import type { ClientName } from '../support/clients.js';
import { DOOR_NAMES, type DoorName, serves } from '../support/doors.js';
import { MODERN, SPEC_REVISIONS, type SpecRevision } from '../support/wire/spec-schema.js';

/** One official client that speaks one revision through one door. */
export interface Cell {
  readonly revision: SpecRevision;
  readonly door: DoorName;
  readonly client: ClientName;
}

/** What each client can be held to: the older SDKs speak their newest revision and no other. */
const SPOKEN: Readonly<Record<ClientName, readonly SpecRevision[]>> = {
  'sdk 1.x': ['2025-11-25'],
  'sdk 1.10': ['2024-11-05'],
  'client 2.x': SPEC_REVISIONS,
};

const EVERY: readonly Cell[] = DOOR_NAMES.flatMap((door) =>
  Object.entries(SPOKEN).flatMap(([client, revisions]) =>
    revisions.map((revision) => ({ revision, door, client: client as ClientName })),
  ),
);

/** The cells that are served. @see DESIGN D-2 */
export const CELLS = EVERY.filter(({ revision, door }) => serves(door, revision));

/** Doors, each with a revision that is not served behind it. */
export const EXCLUDED = DOOR_NAMES.flatMap((door) =>
  SPEC_REVISIONS.filter((revision) => !serves(door, revision)).map((revision) => ({ door, revision })),
);

export const LEGACY = SPEC_REVISIONS.filter((revision) => revision !== MODERN);
/** A legacy revision through a door, spoken without a client. */
export const RAW_CELLS = DOOR_NAMES.flatMap((door) =>
  LEGACY.filter((revision) => serves(door, revision)).map((revision) => ({ revision, door })),
);
/** Doors that 2026-07-28 is served behind. */
export const MODERN_DOORS = DOOR_NAMES.filter((door) => serves(door, MODERN));
