import type { Door } from '../door.js';
import type { ConnectionDoor } from './connection-admission.js';
import type { Connections } from './connections.js';

/** A door whose clients hold connections, as whoever ends the process sees it. */
export class HeldDoor implements Door {
  /** @param stopListening where the door has a listener of its own */
  constructor(
    readonly name: ConnectionDoor,
    private readonly connections: Connections,
    private readonly stopListening?: () => void,
  ) {}

  get connectionCount(): number {
    return this.connections.countOf(this.name);
  }

  stopAccepting(): void {
    this.stopListening?.();
    this.connections.stopAdmitting();
  }

  drain(): Promise<void> {
    return this.connections.drain(this.name);
  }

  close(): Promise<void> {
    return this.connections.closeAll(this.name);
  }
}
