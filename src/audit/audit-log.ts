import type { ErrorKind } from '../common/index.js';
import type { SecretPaths } from './secret-paths.js';

/** What the log keeps of the arguments of a call: JSON, taken before the call runs. */
export type KeptArguments = string;

/** One call, as it is written down. */
export interface AuditEntry {
  readonly requestId: string;
  readonly door: string;
  /** `issuer/subject`. */
  readonly principal: string;
  /** Names the credential, where there is one; never a secret. */
  readonly credentialId?: string | undefined;
  /** Hash of the session id, where there is a session. */
  readonly session: string | undefined;
  /** `tool:echo`, `resource:server://info`, `prompt:server-overview`. */
  readonly target: string;
  readonly outcome: 'started' | 'success' | 'failure' | 'timeout' | 'cancelled' | 'refused' | 'waiting';
  /** Why, where it is not success. */
  readonly kind: ErrorKind | undefined;
  /** >= 0, with fractions. */
  readonly durationMs: number;
  /** What {@link AuditLog.keep} gave. */
  readonly args?: KeptArguments | undefined;
}

/** Something that an operator did, or tried to. */
export interface AdminEntry {
  /** `issuer/subject`. */
  readonly principal: string;
  readonly credentialId?: string | undefined;
  /** `tool.disable`, `key.create`, `incident.start`: a noun and a verb. */
  readonly action: string;
  /** What it was done to. */
  readonly target: string | undefined;
  readonly outcome: 'success' | 'failure' | 'refused';
  /** Why, where it is not success. */
  readonly kind?: ErrorKind | undefined;
  /** Facts: reasons, times, ids; never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly requestId?: string | undefined;
  readonly door?: string | undefined;
}

/** How the log stands. */
export interface AuditStatus {
  /** Whether it could be written when that was last tried. */
  readonly isWritable: boolean;
  /** Characters that wait to be written. */
  readonly waiting: number;
  /** Records that are lost for good, as they waited too long. */
  readonly lost: number;
  /** The last record that is written: who knows its hash finds out whether anything was cut off or changed before it. */
  readonly head: AuditHead | undefined;
}

/** A record of the chain. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** The record of who did what. Writing never blocks a call. */
export abstract class AuditLog {
  abstract record(entry: AuditEntry): void;

  abstract recordAdmin(entry: AdminEntry): void;

  /**
   * Takes of the arguments what is to be kept, before whoever is called can change them.
   * @param args JSON, as the caller sent it
   * @param secrets arguments that the schema calls secret
   */
  keep(_args: unknown, _secrets: SecretPaths | undefined): KeptArguments | undefined {
    return undefined;
  }

  /** Whether a record is wanted also when a call begins. */
  get isToldOfStarts(): boolean {
    return false;
  }

  /** Whether calls may run: not while the log must be written and cannot be. */
  get isAvailable(): boolean {
    return true;
  }

  /** How the log stands; undefined where it has no file of its own. */
  status(): AuditStatus | undefined {
    return undefined;
  }
}
