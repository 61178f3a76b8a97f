/** What a tool says of its effects; what its author leaves out is what the protocol takes for granted. */
export interface TargetHints {
  readonly readOnly: boolean;
  /** Of meaning where it is not read-only; then true unless the author says otherwise. */
  readonly destructive: boolean;
  readonly idempotent: boolean;
  readonly openWorld: boolean;
}

/** What a policy decides on: one tool, resource or prompt. */
export interface PolicyTarget {
  readonly kind: 'tool' | 'resource' | 'prompt';
  /** Of a resource its URI, of a resource template the template. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Roles that may use it; undefined means every role. */
  readonly roles: readonly string[] | undefined;
  /** Scopes that the credential must have, all of them. */
  readonly scopes?: readonly string[] | undefined;
  /** Whether its author gave it to every caller, whatever their roles. */
  readonly isPublic?: boolean | undefined;
  /** Of tools. */
  readonly hints?: TargetHints | undefined;
  /** The URI that is read through a resource template. */
  readonly uri?: string | undefined;
}
