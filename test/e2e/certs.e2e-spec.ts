import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { secureAsk } from '../support/secure-http.js';
import { PATIENCE_MS } from '../support/waiting.js';

// Keys are made, and the program is started more than once.
jest.setTimeout(3 * PATIENCE_MS);

const DAY_MS = 86_400_000;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

const certs = (...flags: string[]) => Program.run({ args: ['certs', ...flags], cwd: folder.path });
const pathOf = (name: string): string => join(folder.path, 'certs', name);
const read = (name: string): Promise<string> => readFile(pathOf(name), 'utf8');
const certificate = async (name: string): Promise<X509Certificate> => new X509Certificate(await read(name));
const modeOf = async (name: string): Promise<number> => (await stat(pathOf(name))).mode & 0o777;

describe('S0-23 gatehouse certs', () => {
  it('makes a pair for a year with the names that clients check, and the right modes', async () => {
    const { code, stdout, stderr } = await certs('--host', 'mcp.example.com', '--host', '10.1.2.3');
    expect([code, stderr]).toEqual([0, '']);
    expect((await readdir(join(folder.path, 'certs'))).sort()).toEqual(['server.crt', 'server.key']);
    expect([await modeOf('server.key'), await modeOf('server.crt')]).toEqual([0o600, 0o644]);
    const cert = await certificate('server.crt');
    for (const name of ['localhost', 'mcp.example.com']) expect(cert.checkHost(name)).toBe(name);
    for (const ip of ['127.0.0.1', '10.1.2.3', '::1']) expect(cert.checkIP(ip)).toBeDefined();
    expect([cert.subject, cert.issuer, cert.ca]).toEqual(['CN=localhost', 'CN=localhost', false]);
    expect((Date.parse(cert.validTo) - Date.parse(cert.validFrom)) / DAY_MS).toBe(365);
    const key = createPrivateKey(await read('server.key'));
    expect([key.asymmetricKeyType, key.asymmetricKeyDetails?.modulusLength]).toEqual(['rsa', 2048]);
    expect(cert.checkPrivateKey(key)).toBe(true);
    expect(stdout).toContain('gatehouse serve --transport http --ssl-cert certs/server.crt --ssl-key certs/server.key');
  });

  it('makes what the command that it prints serves with, and clients trust', async () => {
    const { stdout } = await certs();
    const [, flags = ''] = /gatehouse (serve .*--ssl-key \S+)/.exec(stdout) ?? [];
    const program = Program.start({
      args: [...flags.split(' '), '--port', '0', '--state-dir', join(folder.path, 'state')],
      cwd: folder.path,
    });
    const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
    const { status } = await secureAsk(new URL('/health/live', url).href, { ca: await read('server.crt') });
    expect(status).toBe(200);
    await program.stop();
  });

  it('writes over nothing unless it is told to', async () => {
    await certs();
    const before = await read('server.crt');
    const refused = await certs();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('certs/server.crt or certs/server.key exists');
    expect(refused.stderr).toContain('--force');
    expect(await read('server.crt')).toBe(before);
    expect((await certs('--force')).code).toBe(0);
    expect(await read('server.crt')).not.toBe(before);
    expect((await certificate('server.crt')).checkPrivateKey(createPrivateKey(await read('server.key')))).toBe(true);
    expect(await modeOf('server.key')).toBe(0o600);
  });

  it('keeps them where it is told to', async () => {
    expect((await certs('--out', 'else/where')).code).toBe(0);
    expect(await readdir(join(folder.path, 'else', 'where'))).toHaveLength(2);
    await writeFile(join(folder.path, 'a-file'), '');
    const { code, stderr } = await certs('--out', 'a-file');
    expect([code, /\n +at /.test(stderr)]).toEqual([1, false]);
    expect(stderr).toMatch(/cannot be written to .*a-file \((EEXIST|ENOTDIR)\)/);
  });

  it('tells how it is used, and refuses what it cannot make, with 64', async () => {
    expect(await certs('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--client <name>') });
    for (const flags of [['--host', 'a b'], ['--client', '../x'], ['--client', 'ca'], ['--days', '3'], ['word']]) {
      const { code, stderr } = await certs(...flags);
      expect([flags, code]).toEqual([flags, 64]);
      expect(stderr).toContain('No certificate is made');
    }
  });
});

describe('S0-28 gatehouse certs --client', () => {
  it('makes certificates of one CA, which a server takes clients by', async () => {
    await certs();
    const { stdout } = await certs('--client', 'alice');
    await certs('--client', 'bob');
    const ca = await certificate('client-ca.crt');
    expect([ca.ca, await modeOf('client-ca.key'), await modeOf('client-alice.key')]).toEqual([true, 0o600, 0o600]);
    for (const name of ['alice', 'bob']) {
      const cert = await certificate(`client-${name}.crt`);
      expect([cert.subject, cert.checkIssued(ca), cert.verify(ca.publicKey)]).toEqual([`CN=${name}`, true, true]);
    }
    const [, flags = ''] = /gatehouse (serve .*)/.exec(stdout) ?? [];
    const program = Program.start({
      args: [...flags.trim().split(' '), '--port', '0', '--state-dir', join(folder.path, 'state')],
      cwd: folder.path,
    });
    const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
    const live = new URL('/health/live', url).href;
    const trust = { ca: await read('server.crt') };
    const alice = { cert: await read('client-alice.crt'), key: await read('client-alice.key') };
    expect((await secureAsk(live, { ...trust, ...alice })).status).toBe(200);
    await expect(secureAsk(live, trust)).rejects.toThrow();
    await program.stop();
  });

  it('makes no second CA in the place of one that is not whole', async () => {
    await certs('--client', 'alice');
    await rm(pathOf('client-ca.key'));
    const { code, stderr } = await certs('--client', 'bob');
    expect(code).toBe(1);
    expect(stderr).toContain('Of the client CA only certs/client-ca.crt is there');
  });
});
