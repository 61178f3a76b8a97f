import type { Root } from '@modelcontextprotocol/sdk/types.js';
import type { Principal } from '../auth/index.js';
import type { Clock, JsonObject } from '../common/index.js';
import type { LogSeverity } from '../protocol/index.js';
import { type CallLogger, ScopedCallLogger } from './call-logger.js';
import type { CallScope, TraceContext } from './call-scope.js';
import { rootsFault, sampleFault } from './client-answers.js';
import type { ClientCapability, ClientQuestion } from './client-port.js';
import { type ElicitAnswer, type ElicitFormRequest, type ElicitUrlRequest, elicitFault } from './elicitation.js';
import type { CallContext, SampleAnswer, SampleRequest } from './tool-context.js';

const NO_TRACE: TraceContext = Object.freeze({});

/** The context that handlers get: a view of the scope, so that making one costs next to nothing. */
export class ScopedCallContext implements CallContext {
  constructor(
    private readonly scope: CallScope,
    private readonly clock: Clock,
  ) {}

  get principal(): Principal {
    return this.scope.origin.principal;
  }

  get requestId(): string {
    return this.scope.origin.requestId;
  }

  get signal(): AbortSignal {
    return this.scope.signal;
  }

  get trace(): TraceContext {
    return this.scope.origin.trace ?? NO_TRACE;
  }

  get logger(): CallLogger {
    return new ScopedCallLogger(this.scope);
  }

  get deadline(): number {
    return this.scope.deadline(this.clock);
  }

  progress(progress: number, total?: number, message?: string): void {
    const { client } = this.scope.origin;
    if (client.wantsProgress && this.scope.isHeard) client.progress(progress, total, message);
  }

  log(level: LogSeverity, data: unknown, logger?: string): void {
    if (this.scope.isHeard) this.scope.origin.client.log(level, data, logger);
  }

  notify(method: string, params?: JsonObject): void {
    if (this.scope.isHeard) this.scope.origin.client.notify(method, params);
  }

  supports(capability: ClientCapability): boolean {
    return this.scope.origin.client.supports(capability);
  }

  async elicit(key: string, request: ElicitFormRequest | ElicitUrlRequest): Promise<ElicitAnswer> {
    const isUrl = 'url' in request;
    const answer = await this.ask(key, {
      method: 'elicitation/create',
      params: isUrl ? { mode: 'url', ...request } : { ...request },
      needs: isUrl ? 'elicitation.url' : 'elicitation',
      faultOf: (given) => elicitFault(given, isUrl ? undefined : request.requestedSchema),
    });
    return answer as unknown as ElicitAnswer;
  }

  async sample(key: string, request: SampleRequest): Promise<SampleAnswer> {
    const answer = await this.ask(key, {
      method: 'sampling/createMessage',
      params: { ...request },
      needs: request.tools ? 'sampling.tools' : 'sampling',
      faultOf: sampleFault,
    });
    return answer as unknown as SampleAnswer;
  }

  async listRoots(key: string): Promise<readonly Root[]> {
    const { roots } = await this.ask(key, {
      method: 'roots/list',
      params: undefined,
      needs: 'roots',
      faultOf: rootsFault,
    });
    return roots as Root[];
  }

  once<T>(key: string, work: () => T | Promise<T>): Promise<T> {
    return this.scope.origin.client.once(key, work);
  }

  becomeTask(): Promise<void> {
    return this.scope.origin.client.becomeTask();
  }

  closeStream(): void {
    this.scope.origin.client.closeStream();
  }

  private ask(key: string, question: ClientQuestion): Promise<JsonObject> {
    return this.scope.origin.client.ask(key, question, this.scope.signal);
  }
}
