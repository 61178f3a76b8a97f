import { hash } from 'node:crypto';

/** JSON of a value that is the same however its keys were ordered. @see RFC 8785 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

/**
 * A digest by which arguments can be held against a call, and equal ones found, and that no table made beforehand turns
 * back.
 * @param text JSON
 * @param salt of the run, as its start record has it
 */
export function argumentsDigest(text: string, salt: string): string {
  return hash('sha256', `${salt}\n${canonicalJson(JSON.parse(text))}`, 'base64url');
}
