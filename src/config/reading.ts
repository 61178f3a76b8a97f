/** Where a value came from. `options` is what a host application passed. */
export type Source = 'flag' | 'env' | '.env' | `file ${string}` | 'options' | 'default';

/** One value as a source gave it. */
export interface Given {
  /** Text, or any JSON value from a file; neither checked nor turned. */
  readonly raw: unknown;
  readonly source: Source;
  /** What to call it in a message, such as `--port` or `MCP_SERVER_PORT in .env`. */
  readonly where: string;
}

/** What one source holds. No message in it shows a secret. */
export interface Reading {
  /** By the key of the setting. */
  readonly given: ReadonlyMap<string, Given>;
  /** Why the start must be refused. */
  readonly faults: readonly string[];
  /** Mistakes of the command line itself, as against its values. */
  readonly misuses?: readonly string[];
  readonly warnings: readonly string[];
}

export const NOTHING: Reading = { given: new Map(), faults: [], warnings: [] };
