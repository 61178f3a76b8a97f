/** Exit codes of the process (K-35). */
export const EXIT = { ok: 0, fatal: 1, usage: 64, config: 78 } as const;

/**
 * Why the server cannot start: every fault at once, in words for the person who starts it.
 * Printed without a stack, then the process ends with `exitCode`.
 */
export class StartError extends Error {
  constructor(
    headline: string,
    readonly faults: readonly string[] = [],
    readonly exitCode: number = EXIT.fatal,
  ) {
    super([headline, ...faults.map((fault) => `  - ${fault}`)].join('\n'));
    this.name = 'StartError';
  }
}
