import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where state is kept when no setting says so. */
export interface StatePlace {
  /** The user's folder for state, as XDG_STATE_HOME or LOCALAPPDATA name it; the system's usual one when absent. */
  readonly stateRoot?: string;
  /** Port of the server: servers on different ports have different folders. */
  readonly port: number;
  /** Default: of this machine. */
  readonly platform?: NodeJS.Platform;
}

/** @returns `<state root>/gatehouse/port-<port>` */
export function defaultStateFolder({ stateRoot, port, platform = process.platform }: StatePlace): string {
  return join(stateRoot ?? usualStateRoot(platform), 'gatehouse', `port-${port}`);
}

function usualStateRoot(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'darwin':
      return join(homedir(), 'Library', 'Application Support');
    case 'win32':
      return join(homedir(), 'AppData', 'Local');
    default:
      return join(homedir(), '.local', 'state');
  }
}
