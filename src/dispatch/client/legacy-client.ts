import { isJsonObject, ToolError, type JsonObject } from '../../common/index.js';
import { encodeNotification, encodeRequest } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import type { ClientPort, ClientQuestion } from '../../tools/index.js';
import type { ClientQuestions } from '../client-questions.js';
import type { Exchange } from '../exchange.js';
import type { Peer } from '../peer.js';
import { earlyForm } from './early-form.js';
import { NotifyingClient } from './notifying-client.js';

/** A client of 2024-11-05 to 2025-11-25: asked by a request of ours, while the handler waits. */
export class LegacyClient extends NotifyingClient implements ClientPort {
  readonly isRetry = false;
  readonly suspension = undefined;
  private readonly kept = new Map<string, Promise<unknown>>();

  constructor(
    exchange: Exchange,
    peer: Peer,
    private readonly questions: ClientQuestions,
    private readonly session: Session,
  ) {
    super(exchange, peer);
  }

  async ask(key: string, question: ClientQuestion, signal: AbortSignal): Promise<JsonObject> {
    this.require(question.needs);
    return this.once(`ask ${key}`, () => this.send(question, signal));
  }

  once<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    const kept = this.kept.get(key) as Promise<T> | undefined;
    if (kept) return kept;
    const running = Promise.resolve().then(work);
    this.kept.set(key, running);
    return running;
  }

  /** This era has no tasks: the caller waits. */
  async becomeTask(): Promise<void> {
    return undefined;
  }

  closeStream(): void {
    this.exchange.closeStream();
  }

  private async send({ method, params, faultOf }: ClientQuestion, signal: AbortSignal): Promise<JsonObject> {
    const id = this.questions.nextId();
    const request = encodeRequest(id, method, this.paramsFor(params, id));
    const answered = this.questions.expect(id, this.session, signal);
    this.exchange.send(request);
    let answer: JsonObject;
    try {
      answer = await answered;
    } catch (error) {
      // Whoever shows the question to a user takes it away again.
      if (signal.aborted) this.exchange.send(encodeNotification('notifications/cancelled', { requestId: id }));
      throw error;
    }
    const fault = faultOf(answer);
    if (fault === undefined) return answer;
    throw new ToolError(`The client gave an answer that does not fit: ${fault}`);
  }

  /** Before 2025-11-25 a form was the only mode, and had no name; a page has an id besides, in this revision alone. */
  private paramsFor(params: JsonObject | undefined, id: string): JsonObject | undefined {
    if (params?.['mode'] === 'url') return { elicitationId: id, ...params };
    const form = params?.['requestedSchema'];
    if (!isJsonObject(form)) return params;
    return this.peer.rules.asksRichly ? { mode: 'form', ...params } : { ...params, requestedSchema: earlyForm(form) };
  }
}
