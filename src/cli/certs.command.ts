import { randomUUID } from 'node:crypto';
import { access, chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT, printable, StartError } from '../common/index.js';
import { FORMATS } from '../config/index.js';
import { makeAuthority, makeClientPair, makeServerPair, type Pair } from './certificates.js';
import type { Invocation } from './invocation.js';

const KEY_MODE = 0o600;
const CERT_MODE = 0o644;
const AUTHORITY = 'client-ca';
/** Names of certificates become names of files, and stand in a subject: neither has a way to write anything else. */
const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

const HELP = `gatehouse certs: makes certificates for development, good for a year.

  --out <folder>        Where they are kept (./certs)
  --host <name>         Further name or address of the server; may be repeated
  --client <name>       Make a client certificate for mutual TLS instead, and its CA where there is none yet
  --force               Write over what is there
`;

interface Wishes {
  readonly folder: string;
  readonly hosts: readonly string[];
  readonly client: string | undefined;
  readonly isForced: boolean;
  readonly cwd: string;
}

/** `gatehouse certs`: a certificate for development, with the command that starts a server on it (S0-23). */
export async function makeCertificates({ argv, cwd }: Invocation): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  const wishes = wishesOf(argv, cwd);
  try {
    await mkdir(wishes.folder, { recursive: true });
    const lines = wishes.client === undefined ? await server(wishes) : await client(wishes, wishes.client);
    process.stdout.write(`${lines.join('\n')}\n`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new StartError(`Certificates cannot be written to ${wishes.folder} (${error.code}).`);
  }
}

/** @throws StartError with EXIT.usage */
function wishesOf(argv: readonly string[], cwd: string): Wishes {
  const { values } = parsed(argv);
  const { out = 'certs', host: hosts = [], client: name, force = false } = values;
  const faults = hosts
    .filter((host) => !FORMATS.host.accepts(host))
    .map((host) => `--host must be ${FORMATS.host.expected}, not ${JSON.stringify(printable(host, 60))}`);
  if (name !== undefined && (!CLIENT_NAME.test(name) || isReserved(name))) {
    faults.push('--client must be 1 to 64 of A-Z a-z 0-9 . _ @ -, not "ca", and begin with a letter or digit');
  }
  if (faults.length > 0) throw new StartError('No certificate is made:', faults, EXIT.usage);
  return { folder: resolve(cwd, out), hosts, client: name, isForced: force, cwd };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        out: { type: 'string' },
        host: { type: 'string', multiple: true },
        client: { type: 'string' },
        force: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new StartError(
      'No certificate is made:',
      [error instanceof Error ? error.message : String(error), HELP],
      EXIT.usage,
    );
  }
}

async function server(wishes: Wishes): Promise<readonly string[]> {
  const { hosts } = wishes;
  const { cert, key } = await keep('server', () => makeServerPair(hosts), wishes);
  return [
    `Certificate: ${cert}`,
    `Private key: ${key}`,
    '',
    'Start a server with it:',
    `  gatehouse serve --transport http --ssl-cert ${cert} --ssl-key ${key}`,
    '',
    'It vouches for itself: have clients trust it, such as those on Node.js by',
    `  NODE_EXTRA_CA_CERTS=${cert}`,
  ];
}

async function client(wishes: Wishes, name: string): Promise<readonly string[]> {
  const authority = await authorityIn(wishes);
  const { cert, key } = await keep(`client-${name}`, () => makeClientPair(name, authority), wishes);
  const ca = pathsOf(AUTHORITY, wishes).cert;
  return [
    `Certificate: ${cert}`,
    `Private key: ${key}`,
    `Client CA:   ${ca}`,
    '',
    'Start a server that takes clients of this CA alone:',
    `  gatehouse serve --transport http --tls --ssl-client-ca ${ca}`,
    '',
    'Ask it something as this client:',
    `  curl --cert ${cert} --key ${key} --cacert ${pathsOf('server', wishes).cert} https://localhost:8080/health/live`,
  ];
}

/** The authority that is there, so that earlier certificates stay good; a new one where there is none. */
async function authorityIn(wishes: Wishes): Promise<Pair> {
  const { cert, key } = pathsOf(AUTHORITY, wishes);
  const [hasCert, hasKey] = await Promise.all([exists(cert, wishes), exists(key, wishes)]);
  if (hasCert !== hasKey) {
    throw new StartError(`Of the client CA only ${hasCert ? cert : key} is there: bring the other back, or remove it.`);
  }
  if (!hasCert) await keep(AUTHORITY, makeAuthority, wishes);
  const [certPem, keyPem] = await Promise.all([cert, key].map((path) => readFile(resolve(wishes.cwd, path), 'utf8')));
  return { cert: certPem as string, key: keyPem as string };
}

/** @returns the paths, as the start folder sees them @throws StartError they exist, and are not to be written over */
async function keep(name: string, make: () => Promise<Pair>, wishes: Wishes): Promise<Pair> {
  const paths = pathsOf(name, wishes);
  const isThere = await Promise.all([paths.cert, paths.key].map((path) => exists(path, wishes)));
  if (isThere.includes(true) && !wishes.isForced) {
    throw new StartError(
      `${paths.cert} or ${paths.key} exists: name another folder with --out, or write over it with --force.`,
    );
  }
  const pair = await make();
  await put(resolve(wishes.cwd, paths.key), pair.key, KEY_MODE);
  await put(resolve(wishes.cwd, paths.cert), pair.cert, CERT_MODE);
  return paths;
}

/** Whole or not at all, and never with a mode that is not its own: a server may be watching. */
async function put(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text, { mode, flag: 'wx' });
  // What the umask took away is given back.
  await chmod(draft, mode);
  await rename(draft, path);
}

function pathsOf(name: string, { folder, cwd }: Wishes): Pair {
  const shown = (file: string): string => {
    const path = relative(cwd, join(folder, file));
    return path.startsWith('..') ? join(folder, file) : path;
  };
  return { cert: shown(`${name}.crt`), key: shown(`${name}.key`) };
}

async function exists(path: string, { cwd }: Wishes): Promise<boolean> {
  return access(resolve(cwd, path)).then(
    () => true,
    () => false,
  );
}

function isReserved(name: string): boolean {
  return `client-${name}`.toLowerCase() === AUTHORITY;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
