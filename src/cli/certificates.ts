import { isIP } from 'node:net';
import { generate } from 'selfsigned';

const DAYS = 365;
const MS_PER_DAY = 86_400_000;
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** A certificate and the private key that belongs to it, PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;

/**
 * Makes a pair that vouches for itself: for development, where clients are told to trust it.
 * @param hosts names and addresses, besides those of loopback, under which clients reach the server
 */
export function makeServerPair(hosts: readonly string[]): Promise<Pair> {
  const names = [...new Set([...LOOPBACK, ...hosts])];
  return make('localhost', [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
    },
  ]);
}

/** Makes an authority for client certificates. */
export function makeAuthority(): Promise<Pair> {
  return make('Gatehouse development client CA', [
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
}

/** Makes a certificate that a client shows, signed by an authority. @param name letters, digits and `._@-`: its subject */
export function makeClientPair(name: string, authority: Pair): Promise<Pair> {
  const extensions: Extensions = [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', clientAuth: true },
  ];
  return make(name, extensions, authority);
}

async function make(commonName: string, extensions: Extensions, authority?: Pair): Promise<Pair> {
  const notBeforeDate = new Date();
  const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'rsa',
    keySize: 2_048,
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate: new Date(notBeforeDate.getTime() + DAYS * MS_PER_DAY),
    extensions,
    ...(authority && { ca: authority }),
  });
  return { cert, key };
}
