/** How the process was started. */
export interface Invocation {
  /** What follows the command: its flags. */
  readonly argv: readonly string[];
  readonly cwd: string;
}
