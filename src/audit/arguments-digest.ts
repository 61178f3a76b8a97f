import { hash } from 'node:crypto';
import { canonicalJson } from '../common/index.js';

/**
 * A digest by which arguments can be held against a call, and equal ones found, and that no table made beforehand turns
 * back.
 * @param text JSON
 * @param salt of the run, as its start record has it
 */
export function argumentsDigest(text: string, salt: string): string {
  return hash('sha256', `${salt}\n${canonicalJson(JSON.parse(text))}`, 'base64url');
}
