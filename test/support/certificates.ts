import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { makeAuthority, makeClientPair, makeServerPair, type Pair } from '../../src/cli/certificates.js';

export { makeAuthority, makeClientPair, makeServerPair, type Pair };

/** Makes the pair of a server on loopback that an authority vouches for, as a company's own does. */
export async function makeServerPairOf(authority: Pair): Promise<Pair> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2_048,
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
    ca: authority,
  });
  return { cert, key };
}

/** Writes a pair to a folder. @returns its paths */
export async function writePair(folder: string, name: string, { cert, key }: Pair): Promise<Pair> {
  await mkdir(folder, { recursive: true });
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  await writeFile(paths.key, key, { mode: 0o600 });
  await writeFile(paths.cert, cert);
  return paths;
}
