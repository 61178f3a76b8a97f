/** How calls of the load are made. */
export interface CallKind {
  readonly name: string;
  readonly era: '2025' | '2026';
  readonly tool: 'count_once' | 'count_again' | 'count_aloud';
  /** Whether it carries an idempotency key, and is tried again with it until it is answered. */
  readonly isKeyed: boolean;
  /** Whether its answer is a stream, to which the client comes back. */
  readonly isStreamed: boolean;
}

const kind = (name: string, era: CallKind['era'], tool: CallKind['tool'], isKeyed = false): CallKind => ({
  name,
  era,
  tool,
  isKeyed,
  isStreamed: tool === 'count_aloud' && era === '2025',
});

/** One of each: both eras, with a key and without, of tools that may run twice and of others, as JSON and as a stream. */
export const CALL_KINDS: readonly CallKind[] = [
  kind('2025 plain', '2025', 'count_once'),
  kind('2025 keyed, idempotent', '2025', 'count_again', true),
  kind('2025 keyed, not idempotent', '2025', 'count_once', true),
  kind('2025 stream', '2025', 'count_aloud'),
  kind('2026 plain', '2026', 'count_once'),
  kind('2026 keyed, idempotent', '2026', 'count_again', true),
  kind('2026 keyed, not idempotent', '2026', 'count_once', true),
];

/** What a client saw of one call. */
export interface CallStory {
  readonly call: string;
  readonly kind: CallKind;
  /** How long the tool was to take, ms. */
  readonly runMs: number;
  /** Monotonic ms. */
  readonly askedAt: number;
  /** Monotonic ms; undefined while there is no answer. */
  answeredAt?: number;
  /** Answers to any one request of it; more than one is one too many. */
  mostAnswers: number;
  outcome: 'none' | 'result' | 'outcome_unknown' | 'failed';
  /** What it failed with. */
  failure?: string;
  /** Times that it was sent. */
  attempts: number;
  /** Times that it was refused before it began, and sent again. */
  moves: number;
  /** Times that its stream was taken up again, with the answer or a part of the way to it. */
  resumes: number;
}
