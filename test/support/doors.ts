import { ARE_REPLICAS, type Door, type DoorOptions } from './doors/door.js';
import { ChannelDoor, HttpDoor } from './doors/network-door.js';
import { StdioDoor } from './doors/stdio-door.js';
import { MODERN, SPEC_REVISIONS, type SpecRevision } from './wire/spec-schema.js';

export { ARE_REPLICAS, type Door, type Unopened } from './doors/door.js';

interface DoorKind {
  readonly open: (options: DoorOptions) => Promise<Door>;
  /** Revisions that are served behind it. @see DESIGN D-2 */
  readonly revisions: readonly SpecRevision[];
  /** Whether it can be encrypted. */
  readonly takesTls: boolean;
  /** Whether a proxy of HTTP can share it out among replicas. */
  readonly isShared: boolean;
}

const LEGACY = SPEC_REVISIONS.filter((revision) => revision !== MODERN);
const OVER_HTTP = { takesTls: true, isShared: true } as const;

const DOORS = {
  http: { open: (options) => HttpDoor.open(options), revisions: SPEC_REVISIONS, ...OVER_HTTP },
  stdio: { open: (options) => StdioDoor.open(options), revisions: SPEC_REVISIONS, takesTls: false, isShared: false },
  websocket: { open: (options) => ChannelDoor.webSocket(options), revisions: SPEC_REVISIONS, ...OVER_HTTP },
  tcp: { open: (options) => ChannelDoor.tcp(options), revisions: SPEC_REVISIONS, takesTls: true, isShared: false },
  sse: { open: (options) => ChannelDoor.sse(options), revisions: LEGACY, ...OVER_HTTP },
} as const satisfies Record<string, DoorKind>;

export type DoorName = keyof typeof DOORS;

/** The doors that exist, by the names that tests print. */
export const DOOR_NAMES = (Object.keys(DOORS) as DoorName[]).filter((name) => !ARE_REPLICAS || DOORS[name].isShared);

/** The doors that can be encrypted. In front of replicas it is the proxy that would. */
export const TLS_DOORS = DOOR_NAMES.filter((name) => !ARE_REPLICAS && DOORS[name].takesTls);

/** Opens a door to the built program. */
export function openDoor(name: DoorName, options: DoorOptions): Promise<Door> {
  return DOORS[name].open(options);
}

export function serves(name: DoorName, revision: SpecRevision): boolean {
  return (DOORS[name].revisions as readonly SpecRevision[]).includes(revision);
}
