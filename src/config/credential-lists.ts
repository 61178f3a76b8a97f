import { isRoleName } from './role-name.js';
import { isWeakSecret } from './weak-secrets.js';

/** A token that the settings name. */
export interface NamedToken {
  /** Who calls with it. Two tokens may have one name: the old one and the new one, while clients change over (S2-14). */
  readonly name: string;
  readonly roles: readonly string[];
  readonly token: string;
  /** Doors that it opens; undefined means all. */
  readonly doors: readonly string[] | undefined;
}

/** An API key that the settings name: its hash alone. */
export interface HashedKey {
  readonly id: string;
  /** SHA-256 of the whole token, hex, lower case. */
  readonly hash: string;
  readonly roles: readonly string[];
  /** Undefined where no scope limits it. */
  readonly scopes: readonly string[] | undefined;
}

/** What the holder of a client certificate may do. */
export interface CertificateRoles {
  /** A distinguished name, a common name, or `*` for any certificate that the handshake has verified. */
  readonly subject: string;
  readonly roles: readonly string[];
}

/** Where callers come in: a token may be for some of them only. */
const CREDENTIAL_DOORS = ['http', 'websocket', 'sse', 'tcp', 'rest'] as const;

/** Names that the server gives itself. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['anonymous', 'local', 'local-admin']);
/** How tokens begin that the server makes itself. */
const OUR_TOKENS = /^gh[kl]_/;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/;
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
/** Visible ASCII without comma and colon. */
const TOKEN = /^[\x21-\x2b\x2d-\x39\x3b-\x7e]{32,512}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** Whether a text can be the name of a caller. */
export function isCallerName(text: string): boolean {
  return NAME.test(text) && !RESERVED_NAMES.has(text);
}

/** Whether a text is a scope. @see RFC 6749 section 3.3 */
export function isScopeName(text: string): boolean {
  return SCOPE.test(text);
}

/** Whether a text can be the id of an API key. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/**
 * Reads the value of `MCP_AUTH_TOKENS`.
 * @param text `name:role[+role]:token[:door[+door]]`, separated by commas or lines
 * @returns undefined when an entry is malformed, its token weak, or given twice
 */
export function parseAuthTokens(text: string): readonly NamedToken[] | undefined {
  const tokens = new Map<string, NamedToken>();
  for (const entry of entriesOf(text)) {
    const [name = '', roleList = '', token = '', doorList, ...more] = entry.split(':');
    const roles = namesIn(roleList, isRoleName);
    const doors = doorList === undefined ? undefined : namesIn(doorList, isDoor);
    const isSound = isCallerName(name) && isSoundToken(token) && more.length === 0 && !tokens.has(token);
    if (!isSound || !roles || (doorList !== undefined && !doors)) return undefined;
    tokens.set(token, { name, roles, token, doors });
  }
  return tokens.size > 0 ? [...tokens.values()] : undefined;
}

/**
 * Reads the value of `MCP_API_KEYS`.
 * @param text `id:sha256:role[+role][:scope[ scope]]`, separated by commas or lines; an id may come twice, with the
 * hashes of the old and the new token
 */
export function parseApiKeys(text: string): readonly HashedKey[] | undefined {
  const keys = new Map<string, HashedKey>();
  for (const entry of entriesOf(text)) {
    const [id = '', digest = '', roleList = '', ...rest] = entry.split(':');
    const hash = digest.toLowerCase();
    const roles = namesIn(roleList, isRoleName);
    const scopes = rest.length === 0 ? undefined : namesIn(rest.join(':'), isScopeName, ' ');
    const isSound = isKeyId(id) && !RESERVED_NAMES.has(id) && SHA256.test(hash) && !keys.has(hash);
    if (!isSound || !roles || (rest.length > 0 && !scopes)) return undefined;
    keys.set(hash, { id, hash, roles, scopes });
  }
  return keys.size > 0 ? [...keys.values()] : undefined;
}

/**
 * Reads the value of `MCP_TLS_CLIENT_ROLES`.
 * @param text `subject=role[+role]`, separated by semicolons or lines, as distinguished names have commas
 */
export function parseCertificateRoles(text: string): readonly CertificateRoles[] | undefined {
  const entries = new Map<string, CertificateRoles>();
  for (const entry of entriesOf(text, /[;\n]/)) {
    const at = entry.lastIndexOf('=');
    const subject = entry.slice(0, Math.max(at, 0)).trim();
    const roles = namesIn(entry.slice(at + 1).trim(), isRoleName);
    if (subject === '' || !roles || entries.has(subject)) return undefined;
    entries.set(subject, { subject, roles });
  }
  return entries.size > 0 ? [...entries.values()] : undefined;
}

function entriesOf(text: string, separator = /[,\n]/): readonly string[] {
  return text
    .split(separator)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function isSoundToken(token: string): boolean {
  return TOKEN.test(token) && !OUR_TOKENS.test(token) && !isWeakSecret(token);
}

function isDoor(text: string): boolean {
  return (CREDENTIAL_DOORS as readonly string[]).includes(text);
}

/** @returns the names of a list, each once; undefined when one is none, or there is none */
function namesIn(list: string, isName: (text: string) => boolean, separator = '+'): readonly string[] | undefined {
  const names = [...new Set(list.split(separator))];
  return names.every(isName) ? names : undefined;
}
