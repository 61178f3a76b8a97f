import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { makeAuthority, makeServerPair, type Pair, writePair } from '../../../test/support/certificates.js';
import { AppConfig } from '../../config/index.js';
import { readTlsFiles, stampOf, TlsFault } from './tls-files.js';

let folder: string;
let [pair, other, authority]: Pair[] = [];
let [paths, otherPaths, caPaths]: Pair[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'));
  [pair, other, authority] = await Promise.all([makeServerPair([]), makeServerPair([]), makeAuthority()]);
  paths = await writePair(folder, 'server', pair);
  otherPaths = await writePair(folder, 'other', other);
  caPaths = await writePair(folder, 'ca', authority);
});

afterAll(() => rm(folder, { recursive: true }));

const settings = (more: Partial<AppConfig['tls']> = {}): AppConfig['tls'] =>
  AppConfig.of({ tls: { cert: paths?.cert ?? '', key: paths?.key ?? '', ...more } }).tls;

const faultsOf = async (more: Partial<AppConfig['tls']>): Promise<readonly string[]> =>
  readTlsFiles(settings(more)).then(
    () => [],
    (error: unknown) => (error as TlsFault).faults,
  );

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe('readTlsFiles', () => {
  it('S0-14 reads a certificate and its key, and the client CA where one is named', async () => {
    const material = await readTlsFiles(settings({ clientCa: caPaths?.cert ?? '' }));
    expect(material.leaf.subject).toBe('CN=localhost');
    expect(material.ca?.toString()).toBe(authority?.cert);
    expect((await readTlsFiles(settings())).ca).toBeUndefined();
  });

  it('takes the first certificate of a chain for its own', async () => {
    const cert = await file('chain.crt', `${pair?.cert}\n${authority?.cert}`);
    expect((await readTlsFiles(settings({ cert }))).leaf.subject).toBe('CN=localhost');
  });

  it('W-14 names every file that is missing, at once', async () => {
    const [cert, key, clientCa] = ['no.crt', 'no.key', 'no-ca.crt'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    expect(await faultsOf({ cert, key, clientCa })).toEqual([
      `${cert} cannot be read (ENOENT)`,
      `${key} cannot be read (ENOENT)`,
      `${clientCa} cannot be read (ENOENT)`,
    ]);
    expect(await faultsOf({ cert: folder })).toEqual([`${folder} cannot be read (EISDIR)`]);
  });

  it('says what is wrong with a certificate', async () => {
    const broken = await file('broken.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    const half = await file(
      'half.crt',
      `${pair?.cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    );
    const empty = await file('empty.crt', '');
    expect(await faultsOf({ cert: broken })).toEqual([`${broken} holds a certificate that cannot be read`]);
    expect(await faultsOf({ clientCa: half })).toEqual([`${half} holds a certificate that cannot be read`]);
    expect(await faultsOf({ clientCa: empty })).toEqual([`${empty} holds no certificate in PEM form`]);
    expect(await faultsOf({ cert: paths?.key ?? '' })).toEqual([
      `${paths?.key} holds no certificate in PEM form but a private key: are two paths exchanged?`,
    ]);
  });

  it('says what is wrong with a key, and shows none of it', async () => {
    const locked = createPrivateKey(pair?.key ?? '').export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    const lockedPath = await file('locked.key', locked.toString());
    const brokenPath = await file('broken.key', (pair?.key ?? '').slice(0, 400));
    const faults = [
      ...(await faultsOf({ key: otherPaths?.key ?? '' })),
      ...(await faultsOf({ key: lockedPath })),
      ...(await faultsOf({ key: brokenPath })),
      ...(await faultsOf({ key: paths?.cert ?? '' })),
    ];
    expect(faults).toEqual([
      `${otherPaths?.key} does not belong to the certificate ${paths?.cert}`,
      expect.stringContaining(`${lockedPath} is protected by a passphrase`),
      `${brokenPath} holds no private key in PEM form`,
      `${paths?.cert} holds no private key in PEM form`,
    ]);
    const secret = (pair?.key ?? '').split('\n')[1] as string;
    expect(faults.join()).not.toContain(secret.slice(0, 16));
  });

  it('refuses a pair that OpenSSL takes for too weak', async () => {
    const made = await generate([{ name: 'commonName', value: 'weak' }], { keySize: 512, algorithm: 'sha256' });
    const weak = await writePair(folder, 'weak', { cert: made.cert, key: made.private });
    expect(await faultsOf(weak)).toEqual([`${weak.cert} is refused by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)`]);
  });
});

describe('stampOf', () => {
  it('changes with any of the files, also with one that comes or goes', async () => {
    const watched = settings({ clientCa: await file('watched.crt', 'a') });
    const stamps = [await stampOf(watched)];
    await file('watched.crt', 'ab');
    stamps.push(await stampOf(watched));
    await rm(join(folder, 'watched.crt'));
    stamps.push(await stampOf(watched));
    expect(new Set(stamps).size).toBe(3);
    expect(await stampOf(watched)).toBe(stamps[2]);
  });
});
