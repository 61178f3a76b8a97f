/** One key that seals session ids. */
export interface SessionKey {
  /** Name of the key, 1 to 16 of `A-Z a-z 0-9 _ -`. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

const ENTRY = /^([A-Za-z0-9_-]{1,16}):([A-Za-z0-9+/]{43}=)$/;

/**
 * Reads the value of `MCP_SESSION_KEYS` (D-9).
 * @param text `kid:base64`, comma separated, blanks around the commas allowed
 * @returns the keys in the order given: the first seals, all open; undefined when one is malformed or a kid comes twice
 */
export function parseSessionKeys(text: string): readonly SessionKey[] | undefined {
  const keys = new Map<string, SessionKey>();
  for (const entry of text.split(',')) {
    const [, kid, base64] = ENTRY.exec(entry.trim()) ?? [];
    if (kid === undefined || base64 === undefined || keys.has(kid)) return undefined;
    keys.set(kid, { kid, key: Buffer.from(base64, 'base64') });
  }
  return [...keys.values()];
}
