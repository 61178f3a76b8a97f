import type { AppConfig } from '../app-config.js';

/** What a part of the server would change. */
export interface PreparedReload {
  /** Keys of the settings that it takes over, or whose files it has read anew. */
  readonly changed: readonly string[];
  /** Takes them over. It cannot fail: what could fail was done before. */
  commit(): void;
}

/** A part of the server that can take over settings while it runs. */
export abstract class Reloadable {
  /**
   * Reads and checks all that it would take over, and changes nothing yet: other parts may refuse.
   * @throws StartError with every fault at once
   */
  abstract prepare(next: AppConfig): PreparedReload | Promise<PreparedReload>;
}
