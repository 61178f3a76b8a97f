import type { Json, Message } from '../messages.js';
import { MODERN, type SpecRevision, SpecSchema } from './spec-schema.js';

/** A message of the server, with what is known of it. */
export interface Sent {
  readonly message: Message;
  readonly revision: SpecRevision;
  /** Method of the request that it answers; undefined where that could not be read. */
  readonly answers?: string | undefined;
}

/**
 * What the check lets pass although the schema does not, by name.
 * @see DESIGN D-4; docs/adr/0029-what-the-contract-suite-holds-us-to.md
 */
const EXEMPTIONS = {
  /**
   * JSON-RPC 2.0, section 5, demands a null id in the error about a message whose id could not be read, and so does
   * S1-13. The schemas to 2025-06-18 have no form at all for such an error, that of 2025-11-25 would leave the id out.
   */
  'legacy error without a readable id': ({ message, revision }: Sent) =>
    revision !== MODERN && message.error !== undefined && message.id === null,
} as const;

/** Codes that 2026-07-28 forbids. @see MCP 2026-07-28, basic, "Error Codes" */
function codeFault(code: number, schema: SpecSchema): string | undefined {
  if (code === -32002 || code === -32042) return `code ${code} belongs to earlier revisions`;
  if (code <= -32000 && code >= -32019) return `code ${code} is of the range that nothing new may use`;
  if (code <= -32020 && code >= -32099 && !schema.errorByCode.has(code)) return `code ${code} is not defined`;
  return undefined;
}

/** @returns what the specification of the revision finds wrong with a message; empty when nothing */
export function faultsOfMessage(sent: Sent): readonly string[] {
  const { message, revision } = sent;
  if (Object.values(EXEMPTIONS).some((covers) => covers(sent))) {
    return SpecSchema.of(revision).faultsOf(errorName(revision), { ...message, id: 0 });
  }
  if (message.method !== undefined) return 'id' in message ? faultsOfRequest(sent) : faultsOfNotification(sent);
  return message.error ? faultsOfError(sent) : faultsOfResult(sent);
}

function faultsOfRequest({ message, revision }: Sent): readonly string[] {
  const schema = SpecSchema.of(revision);
  const name = schema.byMethod.get(message.method ?? '');
  if (revision === MODERN) return ['a server of 2026-07-28 sends no requests'];
  if (name === undefined || !schema.isIn('ServerRequest', name))
    return [`no server sends ${message.method} in ${revision}`];
  return schema.faultsOf(name, message);
}

function faultsOfNotification({ message, revision }: Sent): readonly string[] {
  if (revision === MODERN && message.method === 'notifications/tasks') {
    return SpecSchema.ofTasks().faultsOf('TaskStatusNotification', message);
  }
  const schema = SpecSchema.of(revision);
  const name = schema.byMethod.get(message.method ?? '');
  if (name === undefined || !schema.isIn('ServerNotification', name))
    return [`no server sends ${message.method} in ${revision}`];
  return schema.faultsOf(name, message);
}

function faultsOfError({ message, revision }: Sent): readonly string[] {
  const schema = SpecSchema.of(revision);
  const code = message.error?.code ?? 0;
  const own = schema.errorByCode.get(code);
  const forbidden = revision === MODERN ? codeFault(code, schema) : undefined;
  return [
    ...schema.faultsOf(errorName(revision), message),
    // Errors of JSON-RPC itself are defined without their envelope.
    ...(own === undefined ? [] : schema.faultsOf(own, message)),
    ...(forbidden === undefined ? [] : [forbidden]),
  ];
}

function errorName(revision: SpecRevision): string {
  return SpecSchema.of(revision).has('JSONRPCErrorResponse') ? 'JSONRPCErrorResponse' : 'JSONRPCError';
}

/** Results of the tasks extension, by method. */
const TASK_RESULTS: ReadonlyMap<string, string> = new Map([
  ['tasks/get', 'GetTaskResult'],
  ['tasks/update', 'AcknowledgingResult'],
  ['tasks/cancel', 'AcknowledgingResult'],
]);

function faultsOfResult({ message, revision, answers }: Sent): readonly string[] {
  const schema = SpecSchema.of(revision);
  const result = message.result ?? {};
  const envelope = schema.has('JSONRPCResultResponse') ? 'JSONRPCResultResponse' : 'JSONRPCResponse';
  const faults = schema.faultsOf(envelope, message);
  if (answers === undefined) return [...faults, 'it answers what nobody asked'];
  if (revision !== MODERN) return [...faults, ...faultsOfOwn(schema, answers, result)];
  if (result['resultType'] === 'task') return [...faults, ...SpecSchema.ofTasks().faultsOf('CreateTaskResult', result)];
  const ofTask = TASK_RESULTS.get(answers);
  if (ofTask !== undefined) return [...faults, ...SpecSchema.ofTasks().faultsOf(ofTask, result)];
  if (result['resultType'] === 'input_required') return [...faults, ...schema.faultsOf('InputRequiredResult', result)];
  return [...faults, ...faultsOfOwn(schema, answers, result)];
}

/** What has no definition of its own is empty, but for `_meta` and its type. */
function faultsOfOwn(schema: SpecSchema, answers: string, result: Json): readonly string[] {
  const own = schema.byMethod.get(answers)?.replace(/Request$/, 'Result') ?? '';
  if (schema.has(own)) return schema.faultsOf(own, result);
  const { _meta: _any, resultType: _type, ...rest } = result;
  const more = Object.keys(rest).map((key) => `an empty result has no ${key}`);
  return [...schema.faultsOf('EmptyResult', result), ...more];
}
