import type { Environment } from './sources.js';

/** The environment of this process: the one place where it is read. */
export function hostEnvironment(): Environment {
  return process.env;
}

/** The user's folder for state, where the environment names one: XDG_STATE_HOME, or LOCALAPPDATA on Windows. */
export function hostStateRoot(): string | undefined {
  const root = process.platform === 'win32' ? process.env['LOCALAPPDATA'] : process.env['XDG_STATE_HOME'];
  return root || undefined;
}
