import type { ErrorKind, JsonObject } from '../../common/index.js';

/** What is looked at before a call runs, in that order. */
export type ExplainCheck =
  | 'credential'
  | 'roles'
  | 'messages'
  | 'rule'
  | 'incident'
  | 'scopes'
  | 'record'
  | 'rate'
  | 'state'
  | 'arguments'
  | 'breaker'
  | 'bulkhead';

/** One look: what it found, in words and as data. Never a secret. */
export interface ExplainStep {
  readonly check: ExplainCheck;
  /** What the call would be refused as here; undefined where it would pass. */
  readonly kind?: ErrorKind | undefined;
  readonly detail: string;
  readonly data: JsonObject;
}

/** Why a caller may call something, or may not: every look there is, also those after the first that refuses. */
export interface Explanation {
  /** `issuer/subject`. */
  readonly principal: string;
  /** `tool:nmap`. */
  readonly target: string;
  /** Whether the caller finds it in lists. */
  readonly isListed: boolean;
  readonly isAllowed: boolean;
  /** What a call would be refused as, where it would be. */
  readonly kind?: ErrorKind | undefined;
  readonly steps: readonly ExplainStep[];
}
