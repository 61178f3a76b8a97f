import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, makeClientPair, makeServerPair, type Pair } from '../../src/cli/certificates.js';

export { makeAuthority, makeClientPair, makeServerPair, type Pair };

/** Writes a pair to a folder. @returns its paths */
export async function writePair(folder: string, name: string, { cert, key }: Pair): Promise<Pair> {
  await mkdir(folder, { recursive: true });
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  await writeFile(paths.key, key, { mode: 0o600 });
  await writeFile(paths.cert, cert);
  return paths;
}
