import type { ServerOptions } from '../built-server.js';
import type { Frame, Json } from '../messages.js';
import type { RawModern } from '../raw-modern.js';
import type { RawSession } from '../raw-session.js';
import type { Target } from '../test-client.js';
import type { SpecRevision } from '../wire/spec-schema.js';

/** Whether what is behind a door of the network are three replicas. */
export const ARE_REPLICAS = process.env['GATEHOUSE_TEST_REPLICAS'] !== undefined;

/** A door behind which no session is open yet. */
export interface Unopened {
  /** Sends a frame that is owed an answer. @returns all that came, the answer last */
  readonly send: (frame: unknown) => Promise<readonly Frame[]>;
}

/** One way to the server, for raw peers and for official clients; every message on it is checked. */
export interface Door {
  /** Where an official client finds it. */
  target(): Target;
  session(revision: SpecRevision, capabilities?: Json): Promise<RawSession>;
  modern(): Promise<RawModern>;
  unopened(): Promise<Unopened>;
  /** What the servers behind the door have written to stderr. */
  readonly stderr: string;
  /** @throws Error what the specification does not allow was sent since the last call */
  assertSound(): void;
  /** Messages of the server that were checked. */
  checkedOf(revision: SpecRevision): number;
  close(): Promise<void>;
}

export interface DoorOptions extends ServerOptions {
  /** Whether the server encrypts. */
  readonly isSecure?: boolean;
}
