import { isJsonObject } from '../json.js';
import { StartError } from './start-error.js';

/** Where a listener was to be opened. */
export interface ListenPlace {
  readonly host: string;
  readonly port: number;
  /** Flag or variable that sets the port, as a person writes it: `--port`. */
  readonly setBy: string;
}

/**
 * Says what to do about an address that cannot be had, for any listener (S2-33, S3-18).
 * @param error what `listen` failed with
 * @returns a StartError; the error itself where it is of another kind
 */
export function explainListenError(error: unknown, { host, port, setBy }: ListenPlace): unknown {
  switch (isJsonObject(error) ? error['code'] : undefined) {
    case 'EADDRINUSE':
      return new StartError(
        `Port ${port} on ${host} is in use: find its holder with "ss -ltnp sport = :${port}", or take another with ${setBy}.`,
      );
    case 'EACCES':
      return new StartError(
        `Port ${port} on ${host} may not be opened by this user: take one above 1023 with ${setBy}.`,
      );
    case 'EADDRNOTAVAIL':
      return new StartError(`${host} is no address of this machine: choose another with --host.`);
    default:
      return error;
  }
}
