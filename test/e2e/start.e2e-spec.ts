import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import { connect } from '../support/clients.js';
import { request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import type { TestClient } from '../support/test-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

// Each test starts the program.
jest.setTimeout(2 * PATIENCE_MS);

const VERSION = /^\d+\.\d+\.\d+/;

type Env = Readonly<Record<string, string>>;

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => folder.remove());

const run = (args: readonly string[], env: Env = {}) => Program.run({ args, env, cwd: folder.path });

/** Runs the server, which must refuse to start. @returns what it said of it */
async function refused(code: number, flags: readonly string[], env: Env = {}): Promise<string> {
  const { stderr, stdout, ...exit } = await run(['serve', ...flags], env);
  expect(exit).toEqual({ code, signal: null });
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/\n +at .*:\d+/);
  return stderr;
}

describe('the program', () => {
  it('S1-1 tells what it can do, with 0', async () => {
    for (const args of [[], ['--help'], ['-h'], ['help']]) {
      const { code, stdout, stderr } = await run(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: gatehouse <command>/);
    }
    const { code, stdout } = await run(['serve', '--help']);
    expect(code).toBe(0);
    for (const flag of ['--transport', '--host', '--port', '--tools', '--state-dir', '--log-level']) {
      expect(stdout).toContain(flag);
    }
  });

  it('tells its version, with 0', async () => {
    const { code, stdout } = await run(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(VERSION);
  });

  it('K-35 refuses a command that there is not, with 64', async () => {
    const { code, stderr } = await run(['frobnicate']);
    expect(code).toBe(64);
    expect(stderr).toContain('There is no command "frobnicate"');
  });

  it('K-23 config shows every setting with its source, and no secret', async () => {
    const secret = `k1:${randomBytes(32).toString('base64')}`;
    await writeFile(join(folder.path, 'settings.yaml'), 'limits:\n  listPageSize: 7\nserver.name: from-file\n');
    const env = { MCP_SESSION_KEYS: secret, MCP_LOG_LEVEL: 'warn' };
    const { code, stdout } = await run(['config', '--port', '9000', '--config', 'settings.yaml'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^server\.port +9000 +flag$/m);
    expect(stdout).toMatch(/^logging\.level +"warn" +env$/m);
    expect(stdout).toMatch(/^limits\.listPageSize +7 +file settings\.yaml$/m);
    expect(stdout).toMatch(/^server\.name +"from-file" +file settings\.yaml$/m);
    expect(stdout).toMatch(/^http\.keepAliveMs +15000 +default$/m);
    expect(stdout).toMatch(/^sessions\.keys +"\*\*\*REDACTED\*\*\*" +env$/m);
    expect(stdout).not.toContain(secret.slice(3));
  });
});

describe('settings that do not fit end the start', () => {
  it('S0-6 with the transports that there are', async () => {
    expect(await refused(78, ['--transport', 'carrier-pigeon'])).toMatch(/one or more of: stdio, http/);
  });

  it('K-24 W-34 all at once, with 78, and without the values of secrets', async () => {
    const stderr = await refused(78, ['--transport', 'http'], {
      MCP_SERVER_PORT: 'eighty',
      MCP_SERVER_HOST: 'bad host',
      MCP_LOG_FORMAT: 'xml',
      MCP_ALLOW_UNAUTHENTICATED: 'maybe',
      MCP_SESSION_KEYS: 'k1:c2hvcnQ=',
    });
    for (const name of ['SERVER_PORT', 'SERVER_HOST', 'LOG_FORMAT', 'ALLOW_UNAUTHENTICATED', 'SESSION_KEYS']) {
      expect(stderr).toContain(`MCP_${name}`);
    }
    expect(stderr).not.toContain('c2hvcnQ=');
  });

  it('K-35 unknown flags with 64 and the nearest that there is', async () => {
    const stderr = await refused(64, ['--prot', '1', '--nmae', 'x']);
    expect(stderr).toContain('Unknown flag --prot; the nearest is --port');
    expect(stderr).toContain('Unknown flag --nmae; the nearest is --name');
  });

  it('S1-2 unknown tools, with the names that there are', async () => {
    const stderr = await refused(78, ['--tools', 'echo', 'nonesuch', '--exclude-tools', 'neither']);
    expect(stderr).toContain('there is no tool "nonesuch"');
    expect(stderr).toContain('there is no tool "neither"');
    expect(stderr).toMatch(/valid names: echo, get_time, list_files, math_calc, run_command/);
  });

  it('K-4 W-6 an address that others reach, unless that is wanted', async () => {
    for (const host of ['0.0.0.0', '::']) {
      const stderr = await refused(78, ['--transport', 'http', '--port', '0', '--host', host]);
      expect(stderr).toContain(`The host ${host} is not loopback`);
      expect(stderr).toContain('--allow-unauthenticated');
    }
    const server = await BuiltServer.start({ flags: ['--host', '0.0.0.0', '--allow-unauthenticated'] });
    expect((await new RawHttp(server.url).initialize()).status).toBe(200);
    await server.dispose();
  });
});

describe('places that cannot be had end the start', () => {
  let server: BuiltServer | undefined;

  afterEach(() => server?.dispose());

  it('S2-33, S3-18 a port that is in use is named, with what finds its holder', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as AddressInfo;
    const state = join(folder.path, 'port-in-use');
    const stderr = await refused(1, ['--transport', 'http', '--port', String(port), '--state-dir', state]);
    expect(stderr).toContain(`Port ${port} on 127.0.0.1 is in use`);
    expect(stderr).toMatch(/ss -ltnp/);
    await new Promise((resolve) => holder.close(resolve));
    // Whatever it held, it let go of.
    const program = Program.start({
      args: ['serve', '--transport', 'http', '--port', String(port), '--state-dir', state],
      cwd: folder.path,
    });
    await program.said(/MCP endpoint/);
    await program.stop();
  });

  it('S3-20, W-22 a state folder that is held names its holder, and is free when that has ended', async () => {
    server = await BuiltServer.start({ flags: ['--name', 'first-of-two'] });
    const flags = ['--transport', 'http', '--port', '0', '--state-dir', server.stateDir];
    const stderr = await refused(1, flags);
    expect(stderr).toContain(server.stateDir);
    expect(stderr).toContain(String(server.pid));
    expect(stderr).toContain('first-of-two');
    await server.stop();
    await server.restart();
    expect(await readdir(server.stateDir)).toEqual(expect.arrayContaining(['session.key', 'state.journal']));
  });

  it('a state folder that is no folder', async () => {
    const file = join(folder.path, 'a-file');
    await writeFile(file, '');
    const stderr = await refused(78, ['--transport', 'http', '--port', '0', '--state-dir', join(file, 'below')]);
    expect(stderr).toContain(join(file, 'below'));
  });

  it('a settings file that is not there', async () => {
    const stderr = await refused(78, ['--config', 'nowhere.yaml']);
    expect(stderr).toContain('The settings file nowhere.yaml cannot be read (ENOENT)');
  });
});

describe('plug-ins', () => {
  let server: BuiltServer | undefined;
  let client: TestClient | undefined;

  afterEach(async () => {
    await client?.close();
    await server?.dispose();
    server = client = undefined;
  });

  const start = async (options: ServerOptions): Promise<TestClient> => {
    server = await BuiltServer.start(options);
    client = await connect('sdk 1.x', { door: 'http', url: server.url });
    return client;
  };

  const namesOf = async (of: TestClient): Promise<readonly string[]> => (await of.tools()).map(({ name }) => name);

  it('S4-28 of a folder load, and each that is broken is skipped with its file and why', async () => {
    const path = fixture('broken/sound').replace(/\/sound\.js$/, '');
    const names = await namesOf(await start({ plugins: [path] }));
    expect(names).toContain('sound_tool');
    expect(names).not.toEqual(expect.arrayContaining(['needs_unknown']));
    const reasons: Env = {
      'throws-at-import': 'no database at import',
      'lacks-a-package': 'no-such-package-at-all',
      'wrong-export': 'its default export is number',
      'no-export': 'its default export is missing',
      'needs-unknown': 'NeedsUnknown',
      'constructor-throws': 'no licence in the constructor',
      'init-fails': 'no queue on init',
    };
    for (const [name, reason] of Object.entries(reasons)) {
      await server?.said(new RegExp(`"warn".*/broken/${name}\\.js is skipped: .*${reason}`));
    }
    expect(server?.stderr.match(/is skipped/g)).toHaveLength(Object.keys(reasons).length);
  });

  it('that lose a rejection at import load, and what they fail at in the end does not keep the process', async () => {
    const connected = await start({ plugins: [fixture('noisy/careless')] });
    expect(await connected.callTool('careless')).toMatchObject({ content: [{ type: 'text', text: 'worked' }] });
    await server?.said(/rejected at import/);
    expect(await server?.stop()).toEqual({ code: 0, signal: null });
    expect(server?.stderr).toMatch(/"error".*"msg":"failed at the end"/);
  });

  it('the log goes on when plug-ins were skipped', async () => {
    const plugins = [fixture('broken/needs-unknown'), fixture('contract/index')];
    const result = await (await start({ plugins })).callTool('throw_error');
    expect(result.isError).toBe(true);
    await server?.said(/Tool throw_error threw/);
  });

  it('S4-26, S4-28 are plain JavaScript too, and files that are set aside are left alone', async () => {
    const path = join(folder.path, 'plugins');
    await mkdir(path);
    const tool = (name: string): string =>
      `export default { name: '${name}', description: 'Plain', run: () => 'from ${name}' };\n`;
    await Promise.all([
      writeFile(join(path, 'plain.mjs'), tool('plain')),
      writeFile(join(path, 'old.cjs'), `module.exports = { name: 'old', run: () => 'from old' };\n`),
      writeFile(join(path, '_aside.mjs'), tool('aside')),
      writeFile(join(path, 'some.spec.mjs'), tool('spec')),
      writeFile(join(path, 'notes.txt'), 'no plug-in'),
      writeFile(join(path, 'syntax.mjs'), 'export default {'),
      writeFile(join(path, 'missing.mjs'), `import './nowhere.mjs';\n`),
    ]);
    const connected = await start({ plugins: [path] });
    expect(await namesOf(connected)).toEqual(expect.arrayContaining(['plain', 'old']));
    expect(await namesOf(connected)).not.toEqual(expect.arrayContaining(['aside']));
    expect(await connected.callTool('old')).toMatchObject({ content: [{ type: 'text', text: 'from old' }] });
    for (const name of ['missing', 'syntax']) await server?.said(new RegExp(`plugins/${name}\\.mjs is skipped`));
    expect(server?.stderr.match(/is skipped/g)).toHaveLength(2);
  });

  it('that are not there are skipped, too', async () => {
    const missing = [join(folder.path, 'nowhere'), 'no-such-package'];
    expect(await namesOf(await start({ plugins: missing }))).toContain('echo');
    for (const name of missing) await server?.said(new RegExp(`Plug-in ${name} is skipped`));
  });

  it('with faulty tools end the start, every fault in one message', async () => {
    const stderr = await refused(78, ['--tools-path', fixture('faults/index'), fixture('broken/needs-unknown')]);
    for (const fault of [
      'PerRequest.tell: its provider is request-scoped or transient',
      'Faults.echo: tool "echo" is already defined by EchoTool.echo',
      'Faults.spaces: "not a name" is not a tool name',
      'Faults.badSchema: the input schema of tool "bad_schema" cannot be compiled',
      'Faults.badRoot: the output schema of tool "bad_root" cannot be compiled',
      'Faults.badBounds: timeoutMs of tool "bad_bounds"',
      'Faults.badBounds: concurrency of tool "bad_bounds"',
      'Faults.info: resource "server://info" is already defined by ServerResources.info',
      'Faults.noUri: "no uri" is not an absolute URI',
      'Faults.overview: prompt "server-overview" is already defined',
    ]) {
      expect(stderr).toContain(`  - ${fault}`);
    }
    expect(stderr.match(/Error running server/g)).toHaveLength(1);
  });
});

describe('a server that runs', () => {
  const servers: BuiltServer[] = [];

  const start = async (options: ServerOptions = {}): Promise<BuiltServer> => {
    const server = await BuiltServer.start(options);
    servers.push(server);
    return server;
  };

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.dispose()));
  });

  it('S1-4 says where it is, who may call, what it offers and how an editor reaches it', async () => {
    const server = await start({ flags: ['--name', 'banner-test', '--tools', 'echo', 'math_calc'] });
    const { stderr, port } = server;
    expect(stderr).toContain(`Starting MCP server 'banner-test' on 127.0.0.1:${port}`);
    expect(stderr).toContain(`MCP endpoint:   http://127.0.0.1:${port}/mcp`);
    expect(stderr).toContain('Authentication: off, every caller has the role operator');
    expect(stderr).toContain('Enabled tools:  echo, math_calc');
    await server.said(/\n {4}\}\n/);
    const snippet = /\n {4}(\{[^]*?\n {4}\})\n/.exec(server.stderr)?.[1] ?? '';
    expect(JSON.parse(snippet)).toEqual({ servers: { 'banner-test': { type: 'http', url: server.url } } });
    expect(server.stdout).toBe('');
  });

  it('S1-16 stands beside others, each with its name and tools', async () => {
    const sets = [['echo'], ['math_calc'], ['get_time']];
    const started = await Promise.all(
      sets.map((tools, at) => start({ flags: ['--name', `s${at}`, '--tools', ...tools] })),
    );
    for (const [at, server] of started.entries()) {
      const client = await connect('client 2.x', { door: 'http', url: server.url });
      expect(client.server.info?.name).toBe(`s${at}`);
      expect((await client.tools()).map(({ name }) => name)).toEqual(sets[at]);
      await client.end();
    }
  });

  it('S3-30 serves stdio and HTTP in one process', async () => {
    const program = Program.start({
      args: ['serve', '--transport', 'stdio,http', '--port', '0', '--state-dir', join(folder.path, 'both')],
      cwd: folder.path,
    });
    const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
    expect((await new RawHttp(url).initialize()).status).toBe(200);
    program.write(`${JSON.stringify(request('s', 'ping'))}\n`);
    await program.said(/"id":"s","result":\{\}/, 'stdout');
    program.endInput();
    expect(await program.ending()).toEqual({ code: 0, signal: null });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'K-35, S0-8 ends by %s with 0, whoever holds a stream, a connection or a call open',
    async (signal) => {
      const env = { MCP_SERVER_SHUTDOWN_GRACE_PERIOD: '0' };
      const server = await start({ plugins: [fixture('contract/index')], env });
      const http = new RawHttp(server.url);
      const { session } = await http.initialize();
      const stream = await http.stream(session);
      const call = (id: string, name: string, mark: string) =>
        http.post(request(id, 'tools/call', { name, arguments: { mark } }), session).catch((error: unknown) => error);
      // One that listens to its signal, and one that does not.
      const held = [call('held', 'wait_for_abort', signal), call('deaf', 'abort_of', 'of nothing')];
      await call('seen', 'start_of', signal);
      expect(await server.stop(signal)).toEqual({ code: 0, signal: null });
      expect(server.stderr).toContain('Server stopped by user');
      await Promise.all([stream.closed, ...held]);
      expect(await readdir(server.stateDir)).not.toContain('lock');
    },
  );

  it('K-36 lets a call that runs finish, and takes no other, when it is told to end', async () => {
    const server = await start({ plugins: [fixture('contract/index')] });
    const http = new RawHttp(server.url);
    const { session } = await http.initialize();
    const call = (id: string, name: string) =>
      http.post(request(id, 'tools/call', { name, arguments: { mark: 'drain' } }), session);
    const stream = await http.stream(session);
    const slow = call('slow', 'until_signal');
    await call('seen', 'start_of');
    const ending = server.stop('SIGTERM');
    await server.said(/Server stopped by user/);
    const late = await call('late', 'echo');
    expect(late.status).toBe(503);
    expect(answerIn(late.frames).error?.data).toMatchObject({ kind: 'shutting_down' });
    process.kill(server.pid, 'SIGUSR2');
    expect(answerIn((await slow).frames)).toMatchObject({ id: 'slow', result: { content: [{ text: 'signalled' }] } });
    expect(await ending).toEqual({ code: 0, signal: null });
    await stream.closed;
  });

  it('D-9 keeps its state in the home folder of the user where no setting says otherwise', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const home = join(folder.path, 'home');
    const args = ['serve', '--transport', 'http', '--port', String(port)];
    const program = Program.start({ args, env: { HOME: home }, cwd: folder.path });
    await program.said(/MCP endpoint/);
    const state = join(home, '.local', 'state', 'gatehouse', `port-${port}`);
    expect(await readdir(state)).toContain('session.key');
    await program.stop();
  });

  it('D-9 keeps its key to itself', async () => {
    const server = await start();
    const { mode } = await stat(join(server.stateDir, 'session.key'));
    expect(mode & 0o777).toBe(0o600);
  });
});
