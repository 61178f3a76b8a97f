/** How a client names itself in initialize: for people to read, never to decide by. */
export interface ClientInfo {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
}

/** Characters kept of each text: a session must not cost what its client likes. */
export const MAX_CLIENT_INFO_CHARS = 128;

/** @returns a copy of what is kept of a client's description */
export function keptClientInfo({ name, version, title }: ClientInfo): ClientInfo {
  return { name: kept(name), version: kept(version), ...(title !== undefined && { title: kept(title) }) };
}

// By way of bytes: a slice alone would keep the whole text alive.
function kept(text: string): string {
  if (text.length <= MAX_CLIENT_INFO_CHARS) return text;
  return Buffer.from(text.slice(0, MAX_CLIENT_INFO_CHARS), 'utf8').toString('utf8');
}
