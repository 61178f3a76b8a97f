import type { Principal } from '../auth/index.js';

/** A tool, as overviews of the server name it. */
export interface ToolFacts {
  readonly name: string;
  readonly description: string | undefined;
}

/**
 * What the server knows of itself: a port, as the figures come from layers above those that show them. Lists are what
 * one caller may see, so that no overview names what a list hides (D-13).
 */
export abstract class ServerFacts {
  /** Name that clients see as `serverInfo.name`. */
  abstract readonly name: string;
  abstract readonly version: string;
  /** Sessions that are open now. */
  abstract readonly sessionCount: number;
  /** Tool calls since the start, of whatever outcome. */
  abstract readonly callCount: number;

  /** Tools that are switched on, in the order of the list. */
  abstract enabledTools(principal: Principal): readonly ToolFacts[];
  abstract resourceCount(principal: Principal): number;
}
