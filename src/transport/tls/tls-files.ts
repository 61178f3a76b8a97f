import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { isJsonObject } from '../../common/index.js';
import type { TlsSettings } from '../../config/index.js';

/** What the files of TLS hold, read and found to fit together. */
export interface TlsMaterial {
  /** PEM. */
  readonly cert: Buffer;
  /** PEM; never logged. */
  readonly key: Buffer;
  /** PEM of the authorities that client certificates must come from. */
  readonly ca: Buffer | undefined;
  /** The server's own certificate, the first of its file. */
  readonly leaf: X509Certificate;
  /** State of the files when they were read, to be compared with {@link stampOf}. */
  readonly stamp: string;
}

/** Why the files of TLS cannot be used: one line each, with the path, and nothing of what a file holds. */
export class TlsFault extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
    this.name = 'TlsFault';
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads certificate, key and client CA.
 * @throws TlsFault all that is wrong with them
 */
export async function readTlsFiles(tls: TlsSettings): Promise<TlsMaterial> {
  const { cert, key, clientCa, minVersion } = tls;
  // Before anything is read: what changes meanwhile is found to have changed at the next look.
  const stamp = await stampOf(tls);
  const faults: string[] = [];
  const read = (path: string): Promise<Buffer | undefined> =>
    readFile(path).catch((error: unknown) => void faults.push(`${path} cannot be read (${codeOf(error)})`));
  const [certPem, keyPem, ca] = await Promise.all([read(cert), read(key), clientCa ? read(clientCa) : undefined]);
  const leaf = certPem && certificateIn(certPem, cert, faults);
  const privateKey = keyPem && keyIn(keyPem, key, faults);
  if (ca && clientCa) certificateIn(ca, clientCa, faults);
  if (leaf && privateKey && !leaf.checkPrivateKey(privateKey)) {
    faults.push(`${key} does not belong to the certificate ${cert}`);
  }
  if (faults.length > 0 || !certPem || !keyPem || !leaf) throw new TlsFault(faults);
  try {
    createSecureContext({ cert: certPem, key: keyPem, ca, minVersion });
  } catch (error) {
    throw new TlsFault([`${cert} is refused by OpenSSL (${codeOf(error)})`]);
  }
  return { cert: certPem, key: keyPem, ca, leaf, stamp };
}

/** @returns what tells one state of the files from another; a file that is not there has a state too */
export async function stampOf({ cert, key, clientCa }: TlsSettings): Promise<string> {
  const paths = [cert, key, ...(clientCa === undefined ? [] : [clientCa])];
  const states = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`,
        (error: unknown) => codeOf(error),
      ),
    ),
  );
  return states.join(' ');
}

/** @returns the first certificate of a file; undefined where there is a fault, which is added to `faults` */
function certificateIn(pem: Buffer, path: string, faults: string[]): X509Certificate | undefined {
  const text = pem.toString('latin1');
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  try {
    // All of them: OpenSSL would pass over one that is broken, and trust less, or show less, than was meant.
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first) return first;
    const isKey = text.includes('PRIVATE KEY-----');
    faults.push(
      `${path} holds no certificate in PEM form${isKey ? ' but a private key: are two paths exchanged?' : ''}`,
    );
  } catch {
    // The parser's words add nothing, and may quote the file.
    faults.push(`${path} holds a certificate that cannot be read`);
  }
  return undefined;
}

function keyIn(pem: Buffer, path: string, faults: string[]): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const isLocked = codeOf(error) === 'ERR_MISSING_PASSPHRASE' || pem.includes('ENCRYPTED');
    faults.push(
      isLocked
        ? `${path} is protected by a passphrase: write it without one, and let only this user read it`
        : `${path} holds no private key in PEM form`,
    );
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return isJsonObject(error) && typeof error['code'] === 'string' ? error['code'] : 'unknown';
}
