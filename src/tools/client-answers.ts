import { isJsonObject, type JsonObject } from '../common/index.js';

/**
 * @returns what is wrong with an answer of the client's model, or undefined
 * @see MCP 2025-11-25, client/sampling, "Message Content"
 */
export function sampleFault({ role, model, content }: JsonObject): string | undefined {
  if (role !== 'assistant' && role !== 'user') return 'role must be assistant or user';
  if (typeof model !== 'string') return 'model must be a string';
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content];
  const areBlocks = blocks.every((block) => isJsonObject(block) && typeof block['type'] === 'string');
  return areBlocks ? undefined : 'content must be a block, or an array of them';
}

/**
 * @returns what is wrong with the roots of a client, or undefined
 * @see MCP 2025-11-25, client/roots, "Data Types": every root is a `file://` URI
 */
export function rootsFault({ roots }: JsonObject): string | undefined {
  if (!Array.isArray(roots)) return 'roots must be an array';
  const areRoots = roots.every((root: unknown) => isJsonObject(root) && isFileUri(root['uri']));
  return areRoots ? undefined : 'each root must have a uri that begins with file://';
}

function isFileUri(uri: unknown): boolean {
  return typeof uri === 'string' && uri.startsWith('file://') && URL.canParse(uri);
}
