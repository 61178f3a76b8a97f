import type { JsonObject } from '../common/index.js';

/** The `_meta` key that makes a request modern. */
const PROTOCOL_VERSION_META = 'io.modelcontextprotocol/protocolVersion';

/**
 * The era switch: a request is modern (2026-07-28) when its envelope says so, or when it is `server/discover`.
 * @see DESIGN D-1
 */
export function eraOf(message: { readonly method?: string; readonly params?: JsonObject }): 'legacy' | 'modern' {
  if (message.method === 'server/discover') return 'modern';
  const meta = message.params?.['_meta'];
  return typeof meta === 'object' && meta !== null && PROTOCOL_VERSION_META in meta ? 'modern' : 'legacy';
}
