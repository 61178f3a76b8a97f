import { Injectable } from '@nestjs/common';
import { Clock, type ErrorKind, isGatehouseError, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Replicas } from '../../store/index.js';
import type { GateOutcome } from '../call-gate.js';
import type { CallScope } from '../call-scope.js';
import type { RegisteredTool } from '../tool-definition.js';
import type { ToolResult } from '../tool-result.js';
import { digestOf, type KeyedRecord, nameOfKey } from './keyed-record.js';
import { KeyedRecords, type Try } from './keyed-records.js';

const MS_PER_SEC = 1_000;
const MAX_RESULT_CHARS = 262_144;
/** Takeovers of one call: each needs a replica that died. */
const MAX_FENCE = 100;
const REPLAYED_META = 'mcp-gatehouse/replayed';

type Work = () => Promise<GateOutcome<ToolResult>>;

/** A keyed call, with what names it. */
interface Keyed {
  readonly name: string;
  readonly digest: string;
  readonly isRepeatable: boolean;
  readonly expiresAt: number;
}

/** What became of a look at a record. */
type Verdict =
  | { readonly kind: 'run' }
  | { readonly kind: 'next' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'answer'; readonly result: ToolResult };

/**
 * Calls with a key run once: the same key with the same arguments is answered with the result that there is, or waits
 * for it, at whichever replica it comes in. Where the process that ran it died, only a tool whose repetition does no
 * harm runs again; of any other nobody knows the outcome, and the caller is told so.
 * @see DESIGN D-15
 */
@Injectable()
export class KeyedCalls {
  constructor(
    private readonly records: KeyedRecords,
    private readonly replicas: Replicas,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs a call, or answers it with what an earlier one with its key gave.
   * @param args checked
   * @throws ProtocolError idempotency_conflict, outcome_unknown, store_unavailable; and what the work throws
   */
  async run(tool: RegisteredTool, args: unknown, scope: CallScope, work: Work): Promise<GateOutcome<ToolResult>> {
    const { callerKey, idempotencyKey } = scope.origin;
    const { readOnly, idempotent } = tool.options;
    const keyed: Keyed = {
      name: nameOfKey(callerKey, tool.name, idempotencyKey as string),
      digest: digestOf(args),
      isRepeatable: readOnly === true || idempotent === true,
      expiresAt: this.clock.now() + this.config.tools.idempotencyTtlSec * MS_PER_SEC,
    };
    for (let fence = 1; fence <= MAX_FENCE;) {
      const verdict = await this.look(keyed, fence);
      if (verdict.kind === 'run') return this.carryOut(keyed, fence, work);
      if (verdict.kind === 'answer') return { value: verdict.result };
      if (verdict.kind === 'next') fence += 1;
      else await scope.outlast(this.records.change(tryOf(keyed, fence)));
    }
    throw unknownOutcome();
  }

  /** The number of the try is its fence: of many that take over from a dead replica, one gets the next. */
  private async look(keyed: Keyed, fence: number): Promise<Verdict> {
    const of = tryOf(keyed, fence);
    const record = await this.records.read(of);
    if (!record) return (await this.records.claim(of, keyed.digest)) ? { kind: 'run' } : this.look(keyed, fence);
    if (record.digest !== keyed.digest) {
      throw new ProtocolError(
        'idempotency_conflict',
        'The idempotency key was used before, with other arguments: take another key',
      );
    }
    if (record.state === 'done' && record.result) return { kind: 'answer', result: replayed(record.result) };
    if (record.state === 'started' && (await this.replicas.isAlive(record.replica))) return { kind: 'wait' };
    if (keyed.isRepeatable) return { kind: 'next' };
    throw unknownOutcome();
  }

  private async carryOut(keyed: Keyed, fence: number, work: Work): Promise<GateOutcome<ToolResult>> {
    let kind: ErrorKind | undefined = 'internal';
    let result: ToolResult | undefined;
    try {
      const outcome = await work();
      ({ kind, value: result } = outcome);
      return outcome;
    } catch (error) {
      if (isGatehouseError(error)) kind = error.kind;
      throw error;
    } finally {
      await this.settle(keyed, fence, { kind, result });
    }
  }

  /** What never began may begin again under the same key; what was cut short may have done anything. */
  private settle(
    keyed: Keyed,
    fence: number,
    { kind, result }: { readonly kind: ErrorKind | undefined; readonly result: ToolResult | undefined },
  ): Promise<void> {
    const { digest } = keyed;
    const of = tryOf(keyed, fence);
    if (kind !== undefined && NEVER_BEGAN.has(kind)) return this.records.settle(of, undefined);
    const record: KeyedRecord = result
      ? { state: 'done', digest, result: keepable(result) }
      : { state: 'abandoned', digest };
    return this.records.settle(of, record);
  }
}

const NEVER_BEGAN: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'server_busy',
  'breaker_open',
  'rate_limited',
  'shutting_down',
  'input_required',
  'permission_denied',
]);

function tryOf({ name, expiresAt }: Keyed, fence: number): Try {
  return { name, fence, expiresAt };
}

function keepable(result: ToolResult): ToolResult | undefined {
  return JSON.stringify(result).length <= MAX_RESULT_CHARS ? result : undefined;
}

function replayed(result: ToolResult): ToolResult {
  return { ...result, _meta: { ...result._meta, [REPLAYED_META]: true } };
}

function unknownOutcome(): ProtocolError {
  return new ProtocolError(
    'outcome_unknown',
    'A call with this key was begun, and nobody knows how it ended: look at what it was to do before you try again with another key',
  );
}
