import { isJsonObject, REDACTED, redactFlags, redactWords, withoutTokens } from '../common/index.js';
import type { SecretPaths } from './secret-paths.js';

/** Names under which secrets are passed, whatever stands around them. */
const SECRET_NAME =
  /pass(word|wd|phrase|code)?$|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|auth(orization)?$|credential|cookie|^otp$|^pin$/i;

const MAX_DEPTH = 20;
const MAX_TEXT_CHARS = 1_000;

/**
 * A copy of arguments without what is, or looks like, a secret: by the schema, by the names of keys, by the flags of
 * command lines (W-33) and by the form of tokens. Long texts are cut.
 */
export function redactArguments(value: unknown, secrets: SecretPaths | true | undefined, depth = 0): unknown {
  if (secrets === true) return REDACTED;
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    return redactWords(value).map((item) => redactArguments(item, secrets?.['*'], depth + 1));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET_NAME.test(name) ? REDACTED : redactArguments(member, ownOf(secrets, name), depth + 1),
    ]),
  );
}

function ownOf(secrets: SecretPaths | undefined, name: string): SecretPaths | true | undefined {
  return secrets !== undefined && Object.hasOwn(secrets, name) ? secrets[name] : undefined;
}

function redactText(text: string): string {
  const shown = withoutTokens(redactFlags(text));
  return shown.length > MAX_TEXT_CHARS ? `${shown.slice(0, MAX_TEXT_CHARS)}…` : shown;
}
