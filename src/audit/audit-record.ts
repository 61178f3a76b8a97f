import type { AdminEntry, AuditEntry } from './audit-log.js';

/** Stands between the body of a record and its arguments on the way to the writer: no JSON holds it as it is. */
export const ARGUMENTS_MARK = '\t';

/**
 * The body of a call's record, without braces. Written out by hand, as this runs for every call: what came from outside
 * is escaped, the rest cannot need it.
 * @param at ms since the epoch
 */
export function callRecord(entry: AuditEntry, at: number): string {
  const { requestId, door, principal, credentialId, session, target, outcome, kind, durationMs, args } = entry;
  const who = `"requestId":"${requestId}","door":"${door}","principal":${JSON.stringify(principal)}`;
  const by = credentialId === undefined ? '' : `,"credentialId":${JSON.stringify(credentialId)}`;
  const where = session === undefined ? '' : `,"session":"${session}"`;
  const why = kind === undefined ? '' : `,"kind":"${kind}"`;
  const what = `"target":${JSON.stringify(target)},"outcome":"${outcome}"${why},"durationMs":${durationMs.toFixed(3)}`;
  const how = args === undefined ? '' : `${ARGUMENTS_MARK}${args}`;
  return `"time":${at},"type":"call",${who}${by}${where},${what}${how}`;
}

/** The body of an operator's record, without braces. @param at ms since the epoch */
export function adminRecord({ details, ...entry }: AdminEntry, at: number): string {
  return bodyOf({ time: at, type: 'admin', ...entry, ...(details && { details }) });
}

/** The body of any record, without braces. */
export function bodyOf(facts: object): string {
  return JSON.stringify(facts).slice(1, -1);
}
