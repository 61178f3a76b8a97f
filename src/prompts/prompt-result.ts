import type { GetPromptResult } from '@modelcontextprotocol/sdk/types.js';
import { isJsonObject } from '../common/index.js';

/** Brings what a prompt method returned into the protocol's form: a string is one message of the user. */
export function toPromptResult(value: unknown, description: string | undefined): GetPromptResult {
  if (isJsonObject(value) && Array.isArray(value['messages'])) return value as unknown as GetPromptResult;
  const messages = Array.isArray(value)
    ? (value as GetPromptResult['messages'])
    : [{ role: 'user' as const, content: { type: 'text' as const, text: String(value) } }];
  return description === undefined ? { messages } : { description, messages };
}
