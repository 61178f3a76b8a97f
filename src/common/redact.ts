/** What stands in place of a secret wherever settings are shown. */
export const REDACTED = '***REDACTED***';

// C0 and C1 control characters and the Unicode line separators: all that could forge a line of a log.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * Makes untrusted text safe to stand in a log line or a terminal (W-38).
 * @param text any text
 * @param maxLength characters kept, >= 1; a longer text ends in an ellipsis
 */
export function printable(text: string, maxLength = 200): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(CONTROL, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
const JWT = /\beyJ[\w-]{4,}\.[\w-]+\.[\w-]*/g;
// Ours name themselves, so that they are found wherever somebody put one by mistake: what names the key may stay.
const OWN = /\b(ghk_[A-Za-z0-9-]{1,32}_|ghl_)[\w-]{16,}/g;

/** A text from outside without what has the form of a credential. */
export function withoutTokens(text: string): string {
  return text.replace(BEARER, `$1 ${REDACTED}`).replace(JWT, REDACTED).replace(OWN, `$1${REDACTED}`);
}
