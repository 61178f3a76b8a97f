import { randomBytes } from 'node:crypto';

/** What a stream carries: what the server has to say by itself, or the answer of a POST. */
export type StreamKind = 'get' | 'post';

/** An event, by its id. */
export interface EventPlace {
  /** Of the stream. */
  readonly id: string;
  /** Replica that opened the stream. */
  readonly owner: string;
  readonly kind: StreamKind;
  /** >= 0 */
  readonly sequence: number;
}

const LETTERS = { get: 'g', post: 'p' } as const;
const RANDOM_BYTES = 9;
const EVENT_ID = /^(([0-9a-f]{10})([gp])[\w-]{12})-(\d{1,15})$/;

/** @returns the id of a new stream, unguessable: whoever knows it was sent it */
export function newStreamId(replica: string, kind: StreamKind): string {
  return `${replica}${LETTERS[kind]}${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

/** @param eventId anything that a client sent @returns undefined where it is no id of an event */
export function eventPlace(eventId: string): EventPlace | undefined {
  const [, id, owner, letter, sequence] = EVENT_ID.exec(eventId) ?? [];
  if (id === undefined || owner === undefined) return undefined;
  return { id, owner, kind: letter === LETTERS.get ? 'get' : 'post', sequence: Number(sequence) };
}

/** The name of a stream in the log: of its session, so that no id opens the stream of another. */
export function nameInLog(sessionKey: string, id: string): string {
  return `${sessionKey}:${id}`;
}
