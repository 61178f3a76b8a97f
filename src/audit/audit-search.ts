import { isJsonObject, type JsonObject } from '../common/index.js';
import { linesOf } from './audit-reader.js';

/** What a record must be like: all of what is given. In texts, `*` stands for anything. */
export interface AuditQuery {
  readonly principal?: string | undefined;
  readonly target?: string | undefined;
  readonly outcome?: string | undefined;
  readonly kind?: string | undefined;
  readonly type?: string | undefined;
  readonly requestId?: string | undefined;
  /** ms since the epoch, from then on. */
  readonly since?: number | undefined;
  /** ms since the epoch, up to then. */
  readonly until?: number | undefined;
}

const TEXTS = ['principal', 'target', 'outcome', 'kind', 'type', 'requestId'] as const;

/** The records of a log that are like that, oldest first, as they stand there. @param path of the current file */
export async function* searchAudit(path: string, query: AuditQuery): AsyncGenerator<string> {
  const matches = matcherOf(query);
  for await (const { text, isWhole } of linesOf(path)) {
    const record = isWhole ? recordOf(text) : undefined;
    if (record && matches(record)) yield text;
  }
}

/** @returns undefined where the line is no JSON object: `verify` is who complains of it */
export function recordOf(line: string): JsonObject | undefined {
  try {
    const record: unknown = JSON.parse(line);
    return isJsonObject(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** @returns whether a record is like that */
function matcherOf(query: AuditQuery): (record: JsonObject) => boolean {
  const texts = TEXTS.flatMap((field) => {
    const pattern = query[field];
    return pattern === undefined ? [] : [[field, patternOf(pattern)] as const];
  });
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = query;
  return (record) => {
    const { time } = record;
    if (typeof time !== 'number' || time < since || time > until) return false;
    return texts.every(([field, pattern]) => typeof record[field] === 'string' && pattern.test(record[field]));
  };
}

function patternOf(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
