import { errorTypeOf, type ErrorKind, isJsonObject, type JsonObject, type ToolErrorType } from '../../common/index.js';
import { failureOf, type ToolResult } from '../../tools/index.js';

/** What a tool gave, in the form of the REST surface (S4-20). */
export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly returncode: number;
  readonly truncated_stdout: boolean;
  readonly truncated_stderr: boolean;
  readonly timed_out: boolean;
  readonly error: string | null;
  readonly error_type: ToolErrorType | null;
  /** Seconds. */
  readonly execution_time: number;
  readonly correlation_id: string;
  readonly metadata: JsonObject;
}

/** What is known of the call besides its result. */
export interface CallFacts {
  readonly tool: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly durationMs: number;
}

const MS_PER_SEC = 1_000;
const MICROSECONDS = 1e6;

/** As shells have them (REQUIREMENTS 6.3). */
const RETURN_CODES: Partial<Record<ToolErrorType, number>> = {
  timeout: 124,
  permission_denied: 126,
  not_found: 127,
  cancelled: 130,
};

/**
 * Brings any result into the form of a command's output: a tool that runs commands has that form already, and keeps it.
 */
export function toToolOutput(result: ToolResult, call: CallFacts): ToolOutput {
  const { structuredContent } = result;
  if (isToolOutput(structuredContent)) return { ...structuredContent, correlation_id: call.correlationId };
  const text = textOf(result);
  const failure = failureOf(result);
  const kind: ErrorKind | undefined = result.isError ? (failure?.kind ?? 'tool_failed') : undefined;
  const errorType = kind === undefined ? null : errorTypeOf(kind);
  return {
    stdout: kind === undefined ? text : '',
    stderr: kind === undefined ? '' : text,
    returncode: errorType === null ? 0 : (RETURN_CODES[errorType] ?? 1),
    truncated_stdout: false,
    truncated_stderr: false,
    timed_out: errorType === 'timeout',
    error: kind === undefined ? null : text,
    error_type: errorType,
    execution_time: Math.round(call.durationMs * MS_PER_SEC) / MICROSECONDS,
    correlation_id: call.correlationId,
    metadata: metadataOf(result, call, failure),
  };
}

/** The words of a result; of what else it holds, a line each. */
export function textOf({ content }: ToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
}

function metadataOf(result: ToolResult, call: CallFacts, failure: ReturnType<typeof failureOf>): JsonObject {
  const { content, structuredContent } = result;
  const retryAfterMs = failure?.['retryAfterMs'];
  return {
    tool_name: call.tool,
    request_id: call.requestId,
    ...(failure && { kind: failure.kind }),
    ...(typeof retryAfterMs === 'number' && { retry_after: Math.ceil(retryAfterMs / MS_PER_SEC) }),
    ...(structuredContent && { structured: structuredContent }),
    ...(content.some(({ type }) => type !== 'text') && { content }),
  };
}

function isToolOutput(value: unknown): value is ToolOutput {
  return isJsonObject(value) && typeof value['stdout'] === 'string' && typeof value['returncode'] === 'number';
}
