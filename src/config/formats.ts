import { isFQDN } from 'class-validator';
import { isIP } from 'node:net';
import { parseSessionKeys } from './session-keys.js';

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
  origin: {
    expected: 'an exact origin such as https://app.example.com, without path or final slash',
    accepts: (text) => isHttp(text) && new URL(text).origin === text,
  },
  path: {
    expected: 'a path',
    accepts: (text) => text !== '' && !text.includes('\0'),
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
  'session-keys': {
    expected:
      'a comma separated list of kid:base64, each kid 1 to 16 of A-Z a-z 0-9 _ - and used once, each key 32 bytes',
    accepts: (text) => parseSessionKeys(text) !== undefined,
  },
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
