import { type GatehouseError, isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';
import type { LogSeverity } from '../../protocol/index.js';
import type { ClientPort, ClientQuestion } from '../../tools/index.js';
import type { Exchange } from '../exchange.js';
import type { Peer } from '../peer.js';
import type { Round, RoundOwner, Rounds } from '../rounds.js';
import type { TaskRun } from '../tasks/task-run.js';
import { NotifyingClient } from './notifying-client.js';

/**
 * A client of 2026-07-28: asked by the result, and answering with the request's next round; or, once the call is a task,
 * asked by the task.
 */
export class ModernClient extends NotifyingClient implements ClientPort {
  private open: Map<string, ClientQuestion> | undefined;
  private done: JsonObject | undefined;
  private waits: GatehouseError | undefined;
  private task: TaskRun | undefined;
  /** Makes a task of the call; set for tools that may become one. */
  startTask: (() => Promise<TaskRun>) | undefined;

  constructor(
    exchange: Exchange,
    peer: Peer,
    private readonly round: Round,
  ) {
    super(exchange, peer);
  }

  get isRetry(): boolean {
    return this.round.number > 0;
  }

  get suspension(): GatehouseError | undefined {
    return this.waits;
  }

  /** A task tells how far it is by its status, and has no stream to tell anything else on. */
  override progress(progress: number, total: number | undefined, message: string | undefined): void {
    if (!this.task) super.progress(progress, total, message);
    else this.task.say(message ?? (total === undefined ? String(progress) : `${progress} of ${total}`));
  }

  override get wantsProgress(): boolean {
    return this.task !== undefined || super.wantsProgress;
  }

  override log(level: LogSeverity, data: unknown, logger: string | undefined): void {
    if (!this.task) super.log(level, data, logger);
  }

  override notify(method: string, params: JsonObject | undefined): void {
    if (!this.task) super.notify(method, params);
  }

  async ask(key: string, question: ClientQuestion, signal: AbortSignal): Promise<JsonObject> {
    this.require(question.needs);
    const answer = this.round.answers[key];
    // One that does not fit is asked for again, as one that is missing is.
    if (isJsonObject(answer) && question.faultOf(answer) === undefined) return answer;
    if (this.task) return this.task.ask(key, question, signal);
    (this.open ??= new Map()).set(key, question);
    this.waits ??= new ProtocolError('input_required', 'The call waits for input of the client');
    throw this.waits;
  }

  async once<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    if (this.task) return this.task.once(key, work);
    const done = (this.done ??= { ...this.round.done });
    if (key in done) return done[key] as T;
    const value = await work();
    done[key] = value;
    return value;
  }

  async becomeTask(): Promise<void> {
    if (this.task || !this.startTask) return;
    this.task = await this.startTask();
  }

  /** There are no streams to come back to in this era. */
  closeStream(): void {
    return undefined;
  }

  /** @returns the result that asks the client, and carries what the next round needs */
  inputRequired(rounds: Rounds, owner: RoundOwner): JsonObject {
    const asked = [...(this.open ?? [])].map(
      ([key, { method, params }]) => [key, { method, params: params ?? {} }] as const,
    );
    const next = { ...this.round, done: this.done ?? this.round.done };
    return {
      resultType: 'input_required',
      inputRequests: Object.fromEntries(asked),
      requestState: rounds.seal(next, owner),
    };
  }
}
