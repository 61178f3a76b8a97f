import type { Door, DoorOptions } from './doors/door.js';
import { ChannelDoor, HttpDoor } from './doors/network-door.js';
import { StdioDoor } from './doors/stdio-door.js';
import { MODERN, SPEC_REVISIONS, type SpecRevision } from './wire/spec-schema.js';

export type { Door, Unopened } from './doors/door.js';

interface DoorKind {
  readonly open: (options: DoorOptions) => Promise<Door>;
  /** Revisions that are served behind it. @see DESIGN D-2 */
  readonly revisions: readonly SpecRevision[];
  /** Whether it can be encrypted. */
  readonly takesTls: boolean;
}

const LEGACY = SPEC_REVISIONS.filter((revision) => revision !== MODERN);

const DOORS = {
  http: { open: (options) => HttpDoor.open(options), revisions: SPEC_REVISIONS, takesTls: true },
  stdio: { open: (options) => StdioDoor.open(options), revisions: SPEC_REVISIONS, takesTls: false },
  websocket: { open: (options) => ChannelDoor.webSocket(options), revisions: SPEC_REVISIONS, takesTls: true },
  tcp: { open: (options) => ChannelDoor.tcp(options), revisions: SPEC_REVISIONS, takesTls: true },
  sse: { open: (options) => ChannelDoor.sse(options), revisions: LEGACY, takesTls: true },
} as const satisfies Record<string, DoorKind>;

export type DoorName = keyof typeof DOORS;

/** The doors that exist, by the names that tests print. */
export const DOOR_NAMES = Object.keys(DOORS) as readonly DoorName[];

/** The doors that can be encrypted. */
export const TLS_DOORS = DOOR_NAMES.filter((name) => DOORS[name].takesTls);

/** Opens a door to the built program. */
export function openDoor(name: DoorName, options: DoorOptions): Promise<Door> {
  return DOORS[name].open(options);
}

export function serves(name: DoorName, revision: SpecRevision): boolean {
  return (DOORS[name].revisions as readonly SpecRevision[]).includes(revision);
}
