import { ProtocolError } from '../common/index.js';
import { isLegacyRevision, type LegacyRevision } from '../protocol/index.js';
import { ClientCapabilities } from './capabilities.js';
import { MAX_SEALED_CHARS, SEAL_OVERHEAD_BYTES, type Sealer } from './sealer.js';

/** What makes a session, and what its sealed id carries (DESIGN D-7). */
export interface SessionIdentity {
  /** 128 random bits, hex. */
  readonly key: string;
  readonly issuer: string;
  readonly subject: string;
  readonly revision: LegacyRevision;
  readonly capabilities: ClientCapabilities;
  /** ms since the epoch. */
  readonly issuedAt: number;
  /** When the session ends, busy or not; ms since the epoch. */
  readonly expiresAt: number;
}

// Offsets: format (1), key (16), revision as the number 20251125 (4), capabilities (2), issued (6), expires (6),
// length of the issuer (2), issuer, subject. All numbers big-endian, all text UTF-8.
const FORMAT = 1;
const KEY_AT = 1;
const REVISION_AT = 17;
const CAPABILITIES_AT = 21;
const ISSUED_AT = 23;
const EXPIRES_AT = 29;
const ISSUER_LENGTH_AT = 35;
const NAMES_AT = 37;
const TIME_BYTES = 6;

/** Bytes that issuer and subject may have together, so that the id keeps to 1,024 characters. */
export const MAX_NAME_BYTES = (MAX_SEALED_CHARS / 4) * 3 - SEAL_OVERHEAD_BYTES - NAMES_AT;

/**
 * @returns the session id: at most 1,024 characters of visible ASCII
 * @throws ProtocolError invalid_request: issuer and subject are too long, or no well-formed text
 */
export function sealSession(sealer: Sealer, identity: SessionIdentity): string {
  const issuer = utf8(identity.issuer);
  const subject = utf8(identity.subject);
  if (issuer.length + subject.length > MAX_NAME_BYTES) {
    throw unfit(`issuer and subject have more than ${MAX_NAME_BYTES} bytes together`);
  }
  const head = Buffer.alloc(NAMES_AT);
  head.writeUInt8(FORMAT, 0);
  head.write(identity.key, KEY_AT, 'hex');
  head.writeUInt32BE(Number(identity.revision.replaceAll('-', '')), REVISION_AT);
  head.writeUInt16BE(identity.capabilities.bits, CAPABILITIES_AT);
  head.writeUIntBE(identity.issuedAt, ISSUED_AT, TIME_BYTES);
  head.writeUIntBE(identity.expiresAt, EXPIRES_AT, TIME_BYTES);
  head.writeUInt16BE(issuer.length, ISSUER_LENGTH_AT);
  return sealer.seal('session', Buffer.concat([head, issuer, subject]));
}

/** @returns what an id carries, or undefined when it is not one that we sealed in a format that we know */
export function openSession(sealer: Sealer, id: string): SessionIdentity | undefined {
  const bytes = sealer.open('session', id);
  if (!bytes || bytes.length < NAMES_AT || bytes.readUInt8(0) !== FORMAT) return undefined;
  const date = String(bytes.readUInt32BE(REVISION_AT));
  const revision = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  const subjectAt = NAMES_AT + bytes.readUInt16BE(ISSUER_LENGTH_AT);
  if (!isLegacyRevision(revision) || subjectAt > bytes.length) return undefined;
  return {
    key: bytes.toString('hex', KEY_AT, REVISION_AT),
    issuer: bytes.toString('utf8', NAMES_AT, subjectAt),
    subject: bytes.toString('utf8', subjectAt),
    revision,
    capabilities: ClientCapabilities.of(bytes.readUInt16BE(CAPABILITIES_AT)),
    issuedAt: bytes.readUIntBE(ISSUED_AT, TIME_BYTES),
    expiresAt: bytes.readUIntBE(EXPIRES_AT, TIME_BYTES),
  };
}

/** Text that UTF-8 cannot say would come back as other text, perhaps as somebody else's name. */
function utf8(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.toString('utf8') !== text) throw unfit('issuer and subject are not well-formed text');
  return bytes;
}

function unfit(why: string): ProtocolError {
  return new ProtocolError(
    'invalid_request',
    `No session can be opened for this caller: ${why}. Use another credential.`,
  );
}
