/** One run of one program. */
export interface Command {
  /** Name of a program on the fixed search path, or its path. */
  readonly command: string;
  /** Handed over as they are: nothing splits, expands or interprets them. */
  readonly args: readonly string[];
  /** Absolute path of the folder that it runs in. */
  readonly cwd: string;
  /** Time after which it is ended, ms, 1 to 2,147,483,647; none when left out. */
  readonly timeoutMs?: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Bytes of standard output that are kept, >= 0; the rest is read and dropped. */
  readonly maxStdoutBytes: number;
  /** Bytes of standard error that are kept, >= 0; the rest is read and dropped. */
  readonly maxStderrBytes: number;
  /** Set beside, or in place of, {@link CHILD_ENVIRONMENT}. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Why a program did not start: no such program; no such folder to run in; not allowed to; anything else. */
export type StartFailureKind = 'not_found' | 'no_folder' | 'not_permitted' | 'failed';

/** A program that did not start. */
export interface StartFailure {
  readonly kind: StartFailureKind;
  /** What the operating system said; for logs. */
  readonly cause: unknown;
}

/** How a run went. What was written until the end is there in every case (W-29). */
export interface CommandOutcome {
  /** 0 to 255; undefined when it did not start, or was ended by a signal. */
  readonly exitCode: number | undefined;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | undefined;
  /** It ran into `timeoutMs` and was ended. */
  readonly timedOut: boolean;
  /** Its caller left, or the server ended; with `exitCode` and `signal` undefined it never started. */
  readonly cancelled: boolean;
  readonly startFailure: StartFailure | undefined;
  /** From the call to the end of the last process of its group, ms. */
  readonly durationMs: number;
  /** UTF-8; bytes that are none stand as U+FFFD (S4-19). */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncatedStdout: boolean;
  readonly truncatedStderr: boolean;
}

/** Where programs are looked for: never where the server's own environment says. */
export const CHILD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** All that a child knows of its environment (S4-16): no secret of the server is in reach. */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = Object.freeze({
  PATH: CHILD_PATH,
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
});
