/** Revisions that `initialize` negotiates, oldest first. */
export const LEGACY_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
/** The stateless revision: chosen per request by its envelope, never by `initialize` (D-1). */
export const MODERN_REVISION = '2026-07-28' as const;

export type LegacyRevision = (typeof LEGACY_REVISIONS)[number];
export type Revision = LegacyRevision | typeof MODERN_REVISION;

const NEWEST_LEGACY: LegacyRevision = '2025-11-25';

/** What differs between revisions on our side of the wire. */
export interface RevisionRules {
  readonly era: 'legacy' | 'modern';
  /** JSON-RPC batches: 2025-03-26 only. */
  readonly batches: boolean;
  /** Tool annotations and audio content: since 2025-03-26. */
  readonly toolAnnotations: boolean;
  /** `title`, `_meta`, output schemas, structured content and resource links: since 2025-06-18. */
  readonly structuredContent: boolean;
  /** Elicitation: since 2025-06-18. */
  readonly elicits: boolean;
  /** Pages for the user, choices of several, and tools for the client's model: since 2025-11-25. */
  readonly asksRichly: boolean;
  /** The MCP-Protocol-Version header: since 2025-06-18. */
  readonly versionHeader: boolean;
  /** Icons, and input faults as tool results that a model can mend (SEP-1303): since 2025-11-25. */
  readonly icons: boolean;
  /** An empty first event that makes a stream resumable, and streams that the server closes (SEP-1699). */
  readonly primesStreams: boolean;
  readonly inputFaultsAsResults: boolean;
}

const since = (revision: Revision, first: Revision): boolean => revision >= first;
const rules = (revision: Revision): RevisionRules => ({
  era: revision === MODERN_REVISION ? 'modern' : 'legacy',
  batches: revision === '2025-03-26',
  toolAnnotations: since(revision, '2025-03-26'),
  structuredContent: since(revision, '2025-06-18'),
  elicits: since(revision, '2025-06-18'),
  asksRichly: since(revision, '2025-11-25'),
  versionHeader: since(revision, '2025-06-18'),
  icons: since(revision, '2025-11-25'),
  primesStreams: revision === '2025-11-25',
  inputFaultsAsResults: since(revision, '2025-11-25'),
});

const REVISIONS: readonly Revision[] = [...LEGACY_REVISIONS, MODERN_REVISION];
const RULES: ReadonlyMap<Revision, RevisionRules> = new Map(
  REVISIONS.map((revision) => [revision, Object.freeze(rules(revision))]),
);

/** The rules of a revision. */
export function rulesOf(revision: Revision): RevisionRules {
  return RULES.get(revision) as RevisionRules;
}

/** Whether a text names a revision that `initialize` may give. */
export function isLegacyRevision(text: unknown): text is LegacyRevision {
  return (LEGACY_REVISIONS as readonly unknown[]).includes(text);
}

/**
 * The revision of a new session: the one asked for where it is known, else the newest legacy one.
 * @param asked `params.protocolVersion` of initialize, whatever it is
 * @see MCP 2025-11-25, basic/lifecycle, "Version Negotiation"
 */
export function negotiate(asked: unknown): LegacyRevision {
  return isLegacyRevision(asked) ? asked : NEWEST_LEGACY;
}
