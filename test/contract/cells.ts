import type { ClientName } from '../support/clients.js';
import { DOOR_NAMES, type DoorName, serves, TLS_DOORS } from '../support/doors.js';
import { MODERN, SPEC_REVISIONS, type SpecRevision } from '../support/wire/spec-schema.js';

/** One official client that speaks one revision through one door. */
export interface Cell {
  readonly revision: SpecRevision;
  readonly door: DoorName;
  readonly client: ClientName;
}

/** A door, encrypted or not. */
export interface Way {
  /** As tests print it. */
  readonly way: string;
  readonly door: DoorName;
  readonly isSecure: boolean;
}

/** Every door plain, and with TLS where it can be. */
export const WAYS: readonly Way[] = [
  ...DOOR_NAMES.map((door) => ({ way: door, door, isSecure: false })),
  ...TLS_DOORS.map((door) => ({ way: `${door} with TLS`, door, isSecure: true })),
];

/** Ways to what is the same with TLS and without: it is below all that they are about. */
export const PLAIN_WAYS = WAYS.filter(({ isSecure }) => !isSecure);

/** What each client can be held to: the older SDKs speak their newest revision and no other. */
const SPOKEN: Readonly<Record<ClientName, readonly SpecRevision[]>> = {
  'sdk 1.x': ['2025-11-25'],
  'sdk 1.10': ['2024-11-05'],
  'client 2.x': SPEC_REVISIONS,
};

export const LEGACY = SPEC_REVISIONS.filter((revision) => revision !== MODERN);

/** Below TLS nothing knows of revisions or clients: with it one of each era is enough. @see docs/adr/0029 */
const WITH_TLS: readonly SpecRevision[] = ['2025-11-25', MODERN];

/** The revisions that one way is held to. @see DESIGN D-2 */
export function revisionsOver({ door, isSecure }: Way): readonly SpecRevision[] {
  return (isSecure ? WITH_TLS : SPEC_REVISIONS).filter((revision) => serves(door, revision));
}

/** The cells of one way. */
export function cellsOf(way: Way): readonly Cell[] {
  const clients: readonly ClientName[] = way.isSecure ? ['client 2.x'] : (Object.keys(SPOKEN) as ClientName[]);
  return clients.flatMap((client) =>
    revisionsOver(way)
      .filter((revision) => SPOKEN[client].includes(revision))
      .map((revision) => ({ revision, door: way.door, client })),
  );
}

/** Ways to doors that 2026-07-28 is served behind. */
export const MODERN_WAYS = WAYS.filter(({ door }) => serves(door, MODERN));
/** Doors that keep it out. */
export const DOORS_WITHOUT_MODERN = DOOR_NAMES.filter((door) => !serves(door, MODERN));
