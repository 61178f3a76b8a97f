import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { GuardedRequest, Principal } from '../../auth/index.js';
import { Clock, type ErrorKind, isGatehouseError, Lifecycle, printable, ProtocolError } from '../../common/index.js';
import { RunningWork } from '../../dispatch/index.js';
import { addressKey, MessageRate, principalKey } from '../../limits/index.js';
import { CallScope, failureOf, ToolExecutor, type ToolResult } from '../../tools/index.js';
import { RestRequests } from '../rest/rest-requests.js';
import { RestClient } from './rest-client.js';
import { textOf, type ToolOutput, toToolOutput } from './tool-output.js';

const MS_PER_SEC = 1_000;

/** A call by REST. */
export interface RestCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly timeoutSec: number | undefined;
  readonly correlationId: string | undefined;
  readonly principal: Principal;
}

/** What was not run at all is a problem of the request; what ran and failed is an output that says so (6.3, 6.4). */
const PROBLEMS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'tool_disabled',
  'permission_denied',
  'insufficient_scope',
  'read_only',
  'quarantined',
  'invalid_params',
  'internal',
  'invalid_result',
  'shutting_down',
]);

/** Takes calls of tools by REST to where every call goes: the same gate, limits, audit line and metrics (ADR 0005). */
@Injectable()
export class ToolDoor {
  constructor(
    private readonly executor: ToolExecutor,
    private readonly rate: MessageRate,
    private readonly lifecycle: Lifecycle,
    private readonly work: RunningWork,
    private readonly requests: RestRequests,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs one call. A caller that leaves ends it.
   * @throws ProtocolError unknown_tool, tool_disabled, rate_limited, invalid_params, shutting_down, …
   */
  async execute(call: RestCall, req: IncomingMessage, res: ServerResponse): Promise<ToolOutput> {
    const address = (req as GuardedRequest).address;
    const callerKey = callerKeyOf(call.principal, address);
    await this.countMessage(call, callerKey, address);
    if (this.lifecycle.isStopping) throw new ProtocolError('shutting_down', 'The server is ending: try again');
    const request = this.requests.of(req);
    const { requestId } = request;
    const scope = new CallScope({
      requestId,
      principal: call.principal,
      callerKey,
      door: 'http',
      timeoutMs: call.timeoutSec === undefined ? undefined : call.timeoutSec * MS_PER_SEC,
      client: new RestClient(),
    });
    res.once('close', () => scope.cancel('the client left'));
    const release = this.work.hold(scope);
    const startedAt = this.clock.monotonic();
    try {
      // From here on the gate writes the audit line.
      request.isAudited = true;
      const result = await this.executor.execute(call.name, call.args, scope);
      const durationMs = this.clock.monotonic() - startedAt;
      const facts = { tool: call.name, requestId, correlationId: call.correlationId ?? requestId, durationMs };
      return this.outputOf(result, facts);
    } catch (error) {
      throw inWordsOfRest(error, call.name);
    } finally {
      scope.close();
      release();
    }
  }

  private outputOf(result: ToolResult, facts: Parameters<typeof toToolOutput>[1]): ToolOutput {
    const failure = failureOf(result);
    if (!failure || !PROBLEMS.has(failure.kind)) return toToolOutput(result, facts);
    const { kind, requestId: _known, ...data } = failure;
    throw new ProtocolError(kind, textOf(result), { data });
  }

  private async countMessage({ name, principal }: RestCall, key: string, address: string | undefined): Promise<void> {
    const rate = await this.rate.take({ key, principal, address, door: 'http' });
    if (rate.isAllowed) return;
    const { retryAfterMs } = rate;
    throw inWordsOfRest(new ProtocolError('rate_limited', 'Rate limit exceeded', { data: { retryAfterMs } }), name);
  }
}

/** A proven principal is one, at every door; an unproven caller is known by their address alone (W-13). */
function callerKeyOf(principal: Principal, address: string | undefined): string {
  return principal.isAuthenticated ? principalKey(principal) : `address ${addressKey(address)}`;
}

/** The texts that REST clients know (S4-5, S4-6). */
export function inWordsOfRest(error: unknown, tool: string): unknown {
  if (!isGatehouseError(error)) return error;
  const { kind, data } = error;
  const name = printable(tool);
  if (kind === 'unknown_tool') return new ProtocolError(kind, `Tool ${name} not found`);
  if (kind === 'tool_disabled') return new ProtocolError(kind, `Tool ${name} is disabled`);
  if (kind !== 'rate_limited') return error;
  const retryAfterMs = Number(data?.['retryAfterMs'] ?? 0);
  const message = `Too many requests for ${name}. Try again later.`;
  const seed = { error: 'Rate limit exceeded', message, retry_after: Math.ceil(retryAfterMs / MS_PER_SEC) };
  return new ProtocolError(kind, message, { data: { retryAfterMs, ...seed } });
}
