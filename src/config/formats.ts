import { isFQDN } from 'class-validator';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isScopeName, parseApiKeys, parseAuthTokens, parseCertificateRoles } from './credential-lists.js';
import { parseRedisUrl } from './redis-url.js';
import { isRoleName } from './role-name.js';
import { parseSessionKeys } from './session-keys.js';
import { isWeakSecret } from './weak-secrets.js';

/** A form that text must have. */
interface Format {
  /** What the text must be, to follow "must be". */
  readonly expected: string;
  readonly accepts: (text: string) => boolean;
}

/** The forms that settings name by `format`. */
export const FORMATS = {
  host: {
    expected: 'an IP address or a host name',
    accepts: (text) => isIP(text) !== 0 || isFQDN(text, { require_tld: false, allow_underscores: true }),
  },
  cidr: {
    expected: 'an IP address or a CIDR block such as 10.0.0.0/8',
    accepts: (text) => (text.includes('/') ? ipaddr.isValidCIDR(text) : isIP(text) !== 0),
  },
  origin: {
    expected: 'an exact origin such as https://app.example.com, without path or final slash',
    accepts: (text) => isHttp(text) && new URL(text).origin === text,
  },
  path: {
    expected: 'a path',
    accepts: (text) => text !== '' && !text.includes('\0'),
  },
  role: {
    expected: 'the name of a role: 1 to 64 of A-Z a-z 0-9 _ . : - that begins with a letter or digit',
    accepts: isRoleName,
  },
  url: {
    expected: 'an http or https URL without user, password, query and fragment',
    accepts: isPlainUrl,
  },
  port: {
    expected: 'a port, 0 to 65535',
    accepts: (text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535,
  },
  dependency: {
    expected: 'an http(s) URL without user, password, query and fragment, host:port, or the name of a program',
    accepts: (text) => isPlainUrl(text) || isHostAndPort(text) || /^[\w.+-]{1,128}$/.test(text),
  },
  'redis-url': {
    expected:
      'a URL redis://host:port/db, rediss://host:port/db or redis+sentinel://host:port,host:port/master/db, with user:password@ where needed',
    accepts: (text) => parseRedisUrl(text) !== undefined,
  },
  'session-keys': {
    expected:
      'a comma separated list of kid:base64, each kid 1 to 16 of A-Z a-z 0-9 _ - and used once, each key 32 bytes',
    accepts: (text) => parseSessionKeys(text) !== undefined,
  },
  'auth-tokens': {
    expected:
      'a comma separated list of name:role[+role]:token[:door[+door]], each token used once, of 32 to 512 visible characters without comma and colon, and no sample (`openssl rand -base64 32` makes one)',
    accepts: (text) => parseAuthTokens(text) !== undefined,
  },
  'api-keys': {
    expected:
      'a comma separated list of id:sha256:role[+role][:scope[ scope]], each id 1 to 32 of A-Z a-z 0-9 -, each SHA-256 64 hex digits and used once',
    accepts: (text) => parseApiKeys(text) !== undefined,
  },
  'certificate-roles': {
    expected: 'a list of subject=role[+role], separated by semicolons, each subject used once',
    accepts: (text) => parseCertificateRoles(text) !== undefined,
  },
  'jwt-secret': {
    expected: 'a secret of at least 32 characters, and no sample (`openssl rand -base64 48` makes one)',
    accepts: (text) => !isWeakSecret(text),
  },
  issuer: {
    expected: 'the issuer of tokens, 1 to 256 characters, and not gatehouse or mtls, which the server uses itself',
    accepts: (text) => text !== '' && text.length <= 256 && text !== 'gatehouse' && text !== 'mtls',
  },
  scope: { expected: 'a scope: visible characters without quote and backslash', accepts: isScopeName },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

function isPlainUrl(text: string): boolean {
  return isHttp(text) && !/[?#@]/.test(text);
}

/** Without a scheme: Kubernetes puts `tcp://` on variables that nobody meant as a setting (D-22). */
function isHostAndPort(text: string): boolean {
  const url = `tcp://${text}`;
  return /^[^/?#@\s]+:\d{1,5}$/.test(text) && URL.canParse(url) && Number(new URL(url).port) > 0;
}

function isHttp(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}
