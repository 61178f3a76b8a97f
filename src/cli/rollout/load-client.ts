import { setTimeout as pause } from 'node:timers/promises';
import type { CallKind, CallStory } from './call-story.js';
import { type Answered, type Came, exchange } from './exchange.js';
import { NOT_SENT_HEADER } from './round-robin.js';

const LEGACY = '2025-11-25';
const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
const IDEMPOTENCY_META = 'mcp-gatehouse/idempotencyKey';
const ATTEMPT_MS = 15_000;
/** How long a stream that was taken up again may say nothing of the answer before it is taken up once more, ms. */
const RESUME_MS = 3_000;
const AGAIN_MS = 200;
const MS_PER_SEC = 1_000;
const CLIENT = { name: 'rollout-check', version: '1.0.0' };

/** Kinds that tell that a call has not begun, and may be sent again by anyone. */
const NOT_BEGUN: ReadonlySet<string> = new Set([
  'shutting_down',
  'server_busy',
  'rate_limited',
  'breaker_open',
  'store_unavailable',
  'session_not_found',
]);

/** A stream that a client is no longer on. */
interface Left {
  /** Of the request that it answers. */
  readonly id: string;
  readonly lastEventId: string;
  /** How long it stays away, ms. */
  readonly awayMs: number;
}

/** How the client gets at the service. */
export interface LoadTarget {
  /** The MCP endpoint. */
  readonly url: string;
  readonly token: string;
  /** How long one call is worth trying, ms. */
  readonly patienceMs: number;
}

/** One client: a session of 2025-11-25, and requests of 2026-07-28 beside it. It makes one call at a time. */
export class LoadClient {
  private session: string | undefined;
  private ids = 0;
  /** Sessions that were lost: refused though nobody ended them. */
  lostSessions = 0;

  constructor(private readonly target: LoadTarget) {}

  /**
   * Makes a call, as a careful client does: what was refused is sent again, what may have begun only under its key,
   * and a stream that broke is taken up where it was.
   * @param leaves whether the client goes away in the middle of a stream, and comes back after that many ms
   */
  async carry(story: CallStory, leaves?: number): Promise<void> {
    const endsAt = story.askedAt + this.target.patienceMs;
    while (story.outcome === 'none' && performance.now() < endsAt) {
      if (story.kind.era === '2025' && !(await this.hasSession())) {
        await pause(AGAIN_MS);
        continue;
      }
      const id = `${story.call}:${(this.ids += 1)}`;
      story.attempts += 1;
      const came = await this.send(story, id, leaves);
      this.settle(story, answersOf(came, id));
      if (story.outcome !== 'none') return;
      const wait = this.waitOf(came, story);
      if (wait === undefined && story.kind.isStreamed && came.lastEventId !== undefined)
        return this.resume(story, { id, lastEventId: came.lastEventId, awayMs: leaves ?? AGAIN_MS });
      if (wait === undefined && !story.kind.isKeyed) return;
      await pause(wait ?? AGAIN_MS);
    }
  }

  /** Ends the session, where there is one. @returns whether there is none any more */
  async leave(): Promise<boolean> {
    if (this.session === undefined) return true;
    const { status } = await exchange({
      url: this.target.url,
      method: 'DELETE',
      headers: this.headers('2025'),
      timeoutMs: ATTEMPT_MS,
    });
    return status === 204;
  }

  private async hasSession(): Promise<boolean> {
    if (this.session !== undefined) return true;
    const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT };
    const came = await this.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, this.headers());
    const id = came.headers['mcp-session-id'];
    if (typeof id !== 'string') return false;
    this.session = id;
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, this.headers('2025'));
    return true;
  }

  private send({ call, kind, runMs }: CallStory, id: string, leaves: number | undefined): Promise<Came> {
    const meta = {
      ...(kind.isKeyed && { [IDEMPOTENCY_META]: `key-${call}` }),
      ...(kind.era === '2026' && {
        [`${META}protocolVersion`]: MODERN,
        [`${META}clientInfo`]: CLIENT,
        [`${META}clientCapabilities`]: {},
      }),
      ...(kind.isStreamed && { progressToken: id }),
    };
    const params = { name: kind.tool, arguments: { call, ms: runMs }, _meta: meta };
    const isLeaving = kind.isStreamed && leaves !== undefined;
    return this.post(
      { jsonrpc: '2.0', id, method: 'tools/call', params },
      this.headers(kind.era, kind),
      isLeaving ? (message) => message.method === 'notifications/progress' : undefined,
    );
  }

  /** Comes back to a stream, again and again, until there is the answer or no patience. */
  private async resume(story: CallStory, { id, lastEventId: from, awayMs }: Left): Promise<void> {
    const endsAt = story.askedAt + this.target.patienceMs;
    let lastEventId = from;
    await pause(awayMs);
    while (story.outcome === 'none' && performance.now() < endsAt) {
      const came = await exchange({
        url: this.target.url,
        method: 'GET',
        headers: { ...this.headers('2025'), Accept: 'text/event-stream', 'Last-Event-ID': lastEventId },
        timeoutMs: Math.min(RESUME_MS, endsAt - performance.now()),
      });
      lastEventId = came.lastEventId ?? lastEventId;
      const answers = answersOf(came, id);
      if (answers.length > 0) story.resumes += 1;
      this.settle(story, answers);
      if (story.outcome === 'none') await pause(AGAIN_MS);
    }
  }

  private settle(story: CallStory, answers: readonly Answered[]): void {
    const [answer] = answers;
    story.mostAnswers = Math.max(story.mostAnswers, answers.length);
    if (!answer) return;
    const kind = answer.error?.data?.kind;
    if (kind !== undefined && NOT_BEGUN.has(kind)) {
      if (kind === 'session_not_found') this.loseSession();
      return;
    }
    story.answeredAt = performance.now();
    if (answer.result?.content?.[0]?.text === story.call && answer.result.isError !== true) story.outcome = 'result';
    else if (kind === 'outcome_unknown') story.outcome = 'outcome_unknown';
    else {
      story.outcome = 'failed';
      story.failure = kind ?? answer.error?.message ?? answer.result?.content?.[0]?.text ?? 'another answer';
    }
  }

  /** @returns how long to wait before the call is sent again, ms; undefined where it may have begun */
  private waitOf({ status, headers, messages }: Came, story: CallStory): number | undefined {
    const wasRefused = messages.some(({ error }) => NOT_BEGUN.has(error?.data?.kind ?? ''));
    if (!wasRefused && headers[NOT_SENT_HEADER] === undefined && status !== 429) return undefined;
    story.moves += 1;
    const after = Number(headers['retry-after']);
    return Number.isFinite(after) && after > 0 ? after * MS_PER_SEC : AGAIN_MS;
  }

  private loseSession(): void {
    this.session = undefined;
    this.lostSessions += 1;
  }

  private post(
    body: object,
    headers: Readonly<Record<string, string>>,
    onMessage?: (message: Answered) => boolean,
  ): Promise<Came> {
    const { url } = this.target;
    return exchange({ url, method: 'POST', headers, body, timeoutMs: ATTEMPT_MS, ...(onMessage && { onMessage }) });
  }

  private headers(era?: CallKind['era'], kind?: CallKind): Readonly<Record<string, string>> {
    return {
      Authorization: `Bearer ${this.target.token}`,
      Accept: 'application/json, text/event-stream',
      ...(era === '2025' && { 'Mcp-Session-Id': this.session ?? '', 'MCP-Protocol-Version': LEGACY }),
      ...(era === '2026' &&
        kind && { 'MCP-Protocol-Version': MODERN, 'Mcp-Method': 'tools/call', 'Mcp-Name': kind.tool }),
    };
  }
}

function answersOf({ messages }: Came, id: string): readonly Answered[] {
  return messages.filter((message) => message.method === undefined && (message.id === id || message.id == null));
}
