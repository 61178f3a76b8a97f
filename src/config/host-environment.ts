import type { Environment } from './sources.js';

/** The environment of this process: the one place where it is read. */
export function hostEnvironment(): Environment {
  return process.env;
}
