import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { isJsonObject } from '../../common/index.js';
import { ISSUER } from '../principal.js';
import { frozen } from '../principal-bounds.js';
import { refused, TokenCheck, type Verdict } from '../verdict.js';
import { digestOf, isSameDigest } from './digest.js';

const PREFIX = 'ghl_';
const SECRET_BYTES = 32;
const FILE = 'admin.token';

/** Where a running server is managed from its own machine, and with what. */
export interface LocalAccess {
  /** Origin of the server's HTTP door. */
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** Absolute path of the certificate that the door shows, PEM; undefined where it does not encrypt. */
  readonly certificate?: string | undefined;
}

/** @returns the path of the file that a running server leaves in its state folder */
export function localAccessPath(stateFolder: string): string {
  return join(stateFolder, FILE);
}

/** @returns what the file says; undefined where it is none of ours */
export function readLocalAccess(text: string): LocalAccess | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Half written, or somebody else's: there is no way in by it.
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { url, token, pid, certificate } = value;
  const isAccess = typeof url === 'string' && typeof token === 'string' && typeof pid === 'number';
  if (!isAccess || !/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  if (!url.startsWith('https:')) return { url, token, pid };
  return typeof certificate === 'string' ? { url, token, pid, certificate } : undefined;
}

/**
 * The credential of whoever can read the state folder of this very process: the command line manages a running server
 * with it. Made anew at each start, and gone with the process.
 */
@Injectable()
export class LocalAdmin extends TokenCheck implements OnApplicationShutdown {
  readonly token = `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`;
  private readonly digest = digestOf(this.token);
  private readonly verdict: Verdict = {
    proof: {
      principal: frozen({
        issuer: ISSUER,
        subject: 'local-admin',
        roles: ['admin'],
        isAuthenticated: true,
        credentialId: 'local-admin',
      }),
      method: 'local_admin',
      issuedAt: undefined,
      freshUntil: Infinity,
      doors: new Set(['rest']),
    },
  };

  private published: string | undefined;

  /**
   * Leaves the credential where whoever may read the state folder finds it, and nobody else.
   * @param stateFolder held by this process
   * @param door origin of the HTTP door, and the path of its certificate
   */
  async publish(stateFolder: string, door: Pick<LocalAccess, 'url' | 'certificate'>): Promise<void> {
    const path = localAccessPath(stateFolder);
    const draft = `${path}.new`;
    const access: LocalAccess = { ...door, token: this.token, pid: process.pid };
    await rm(draft, { force: true });
    await writeFile(draft, `${JSON.stringify(access)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
    this.published = path;
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.published !== undefined) await rm(this.published, { force: true });
  }

  override check(token: string, digest: Buffer): Verdict | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    return isSameDigest(digest, this.digest) ? this.verdict : refused('wrong_secret', { keyId: 'local-admin' });
  }
}
