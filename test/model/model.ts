import { arrivalsOf, type Line } from './line.js';
import { LIMITS, RECORD_SLACK_MS, TERMS } from './model-world.js';
import type { Message } from '../support/messages.js';
import { CONCURRENCY, QUEUE } from './work.tools.js';

export const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];
export const MODERN = '2026-07-28';
export const SHARED_URI = 'model://doc/shared';

/** What a client knows of a stream on which the server speaks unasked. */
export interface Stream {
  readonly lines: Line[];
  /** What must have come, in this order, when the client is there to see it. */
  readonly expected: { readonly what: string; readonly isCertain: boolean }[];
  /** ms since the epoch; undefined while it is connected. */
  awaySince: number | undefined;
  /** Id of the request that opened it, where notifications carry it. */
  readonly tag: string | undefined;
}

/** Whether the client left before it knew that it was let in: then the server may have let it in, or never heard of it. */
export function isDoubtful({ lines }: Stream): boolean {
  return lines.some(({ isOver, status }) => isOver && status === undefined);
}

/** One client: a session of the legacy era, or nothing but a name in the modern one. */
export class Caller {
  /** Stands in whatever the client sends, and in whatever it may get. */
  readonly secret: string;
  readonly lines: Line[] = [];
  readonly subscriptions = new Set<string>();
  streams: Stream[] = [];
  /** The request that opens its session. */
  opening: Line | undefined;
  /** `dormant`: the process that knew it has ended, and the next has not seen it yet. */
  fate: 'opening' | 'live' | 'dormant' | 'ended' | 'refused' = 'opening';
  sessionId: string | undefined;
  /** When the server has heard of it last, surely and at most: what was left before it was served may not have arrived. */
  lastSeenAt = 0;
  lastSeenAtMost = 0;
  expiresAt = Infinity;
  /** Batches in which it sent something, its session was ended, what it wants changed, or its streams came and went. */
  usedIn = -1;
  deletedIn = -1;
  touchedIn = -1;
  movedIn = -1;
  /** Batch in which its session may have ended of itself, or not. */
  mayEndIn = -1;

  constructor(
    readonly number: number,
    readonly principal: string,
    readonly revision: Revision,
  ) {
    this.secret = `secret-${number}-${principal}`;
    if (this.isModern) this.fate = 'live';
  }

  get isModern(): boolean {
    return this.revision === MODERN;
  }

  get ownUri(): string {
    return `model://doc/${this.secret}`;
  }

  /** Whether the id of the session must be good for a request, must not, or may be either. */
  standing(now: number): 'good' | 'bad' | 'unsure' {
    if (this.fate === 'ended' || this.fate === 'refused' || this.expiresAt <= now) return 'bad';
    if (this.fate === 'live') return 'good';
    if (now - this.lastSeenAt <= TERMS.timeoutMs) return 'good';
    return now - this.lastSeenAtMost > TERMS.timeoutMs + RECORD_SLACK_MS ? 'bad' : 'unsure';
  }

  /** Notes a sign of life. */
  saw(now: number, isSure = true): void {
    if (isSure) this.lastSeenAt = now;
    this.lastSeenAtMost = now;
  }
}

/** How an answer may come out: `result`, `input_required`, `task`, or the kind of an error. */
export type Outcome = string;

export interface CallTerms {
  readonly caller: Caller;
  readonly id: string;
  readonly key: string;
  readonly tool: 'plain' | 'switched' | 'slow' | 'ask' | 'job';
  readonly isStubborn?: boolean;
  readonly startedAt: number;
  /** Which process serves it: counted from 0. */
  readonly process: number;
}

/** One call of a tool, and what may become of it. */
export class Call {
  readonly lines: Line[] = [];
  /** Outcomes that are right; none while nothing may come. */
  allowed = new Set<Outcome>();
  /** Whether its work is done, or it needs none: then the answer must come. */
  isDone = false;
  /** Whether the answer need not reach the client any more. */
  isLosable = false;
  /** Whether its work must have been ended. */
  mustEnd = false;
  /** Whether nothing happens to it any more. */
  isClosed = false;
  /** ms since the epoch; undefined while the client is connected. */
  awaySince: number | undefined;
  /** In the modern era: the attempts to go on with what it asked for. */
  readonly rounds: Call[] = [];

  constructor(readonly terms: CallTerms) {}

  get messages(): readonly Message[] {
    return arrivalsOf(this.lines);
  }

  get answers(): readonly Message[] {
    return this.messages.filter(({ id, method }) => method === undefined && id === this.terms.id);
  }

  get isAnswered(): boolean {
    return this.answers.length > 0;
  }

  /** Whether the server may still be at it. */
  get isOpen(): boolean {
    return !this.isClosed && !this.isAnswered && !this.mustEnd;
  }

  /** The question that the client is asked in the legacy era. */
  get question(): Message | undefined {
    return this.messages.find(({ method }) => method === 'elicitation/create');
  }

  get lastEventId(): string | undefined {
    return this.lines.findLast(({ lastEventId }) => lastEventId !== undefined)?.lastEventId;
  }

  /** The client gives it up, or has to: what was not answered by now never is. */
  giveUp(...outcomes: Outcome[]): void {
    this.isLosable = true;
    for (const outcome of outcomes) this.allowed.add(outcome);
  }
}

export interface Task {
  readonly caller: Caller;
  readonly call: Call;
  readonly createdAt: number;
  /** Outcomes of `tasks/get` that are right. */
  allowed: Set<Outcome>;
  isOver: boolean;
}

/** What a test expects of the server, and all that it did to it. */
export class Model {
  readonly callers: Caller[] = [];
  readonly calls: Call[] = [];
  readonly tasks: Task[] = [];
  /** Actions that are made at once are one batch. */
  batch = 0;
  toggledIn = -1;
  /** Processes that have ended. */
  process = 0;
  /** Sessions that came into the process in this batch, or tried to. */
  admits = 0;
  /** Lines of this batch that must have a head before it is over. */
  awaited: Line[] = [];
  /** Requests of this batch. */
  sent: { readonly caller: Caller; readonly line: Line }[] = [];
  /** What is known when the batch is over. */
  private conclusions: (() => void)[] = [];
  private lastNumber = 0;

  /** What was done how often, by name. */
  readonly done = new Map<string, number>();

  count(name: string): void {
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  nextNumber(): number {
    return ++this.lastNumber;
  }

  begin(): void {
    this.batch += 1;
    this.admits = 0;
    this.awaited = [];
    this.sent = [];
    this.conclusions = [];
  }

  afterwards(conclude: () => void): void {
    this.conclusions.push(conclude);
  }

  conclude(): void {
    for (const conclude of this.conclusions) conclude();
  }

  /** Callers that can send something at all. */
  get senders(): readonly Caller[] {
    return this.callers.filter(({ fate }) => fate !== 'opening' && fate !== 'refused');
  }

  openCallsOf(caller: Caller): readonly Call[] {
    return this.calls.filter((call) => call.terms.caller === caller && call.isOpen);
  }

  /** Whether a session is in use, and so does not give way. */
  isBusy(caller: Caller): boolean {
    return this.openCallsOf(caller).length > 0 || caller.streams.some(({ awaySince }) => awaySince === undefined);
  }

  /** Whether a call may be told that there are too many. What ended early may still hold its place, if it is stubborn. */
  mayBeCrowded(caller: Caller, tool: CallTerms['tool']): boolean {
    if (this.openCallsOf(caller).length >= LIMITS.maxInFlight) return true;
    const running = this.calls.filter(
      ({ terms, isDone, isOpen }) =>
        terms.tool === 'slow' && terms.process === this.process && (isOpen || (terms.isStubborn === true && !isDone)),
    );
    return tool === 'slow' && running.length >= CONCURRENCY + QUEUE;
  }

  /** Notes what the server says to a client unasked. */
  tell(caller: Caller, what: string): void {
    const { streams } = caller;
    const isClear = !streams.some(isDoubtful);
    // To which of several a word goes that is said while they come and go, nobody can tell; the only one has it kept.
    const isStill = caller.movedIn !== this.batch || streams.length === 1;
    const isSure = caller.touchedIn !== this.batch && caller.deletedIn !== this.batch && isClear && isStill;
    if (caller.isModern || !isSure) {
      for (const { expected } of streams) expected.push({ what, isCertain: isSure });
      return;
    }
    const target = streams.findLast(({ awaySince }) => awaySince === undefined) ?? streams.at(-1);
    target?.expected.push({ what, isCertain: true });
  }
}

/** @returns what the answer to a call came to */
export function outcomeOf({ result, error }: Message): Outcome {
  if (error) return String(error.data?.['kind']);
  if (result?.['isError'] === true) {
    const told = (result['_meta'] as Record<string, Record<string, unknown>> | undefined)?.['mcp-gatehouse/error'];
    return String(told?.['kind']);
  }
  const type = result?.['resultType'] as string | undefined;
  return type === undefined || type === 'complete' ? 'result' : type;
}
