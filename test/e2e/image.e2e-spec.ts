import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { type Exit, Program } from '../support/program.js';

/** The last stage of the Dockerfile, as scripts/image-steps.mjs leaves it. */
interface Image {
  /** What `/` of the image would hold. */
  readonly root: string;
  /** The Node of its base image. */
  readonly node: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly port: number;
  readonly user: string;
  readonly stopSignal: NodeJS.Signals;
  readonly healthcheck: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly skipped: readonly string[];
}

const OPEN = { MCP_ALLOW_UNAUTHENTICATED: 'true' };
const BUILD_MS = 180_000;
jest.setTimeout(30_000);

let folder: TemporaryFolder;
let image: Image;
let started: Program[] = [];

beforeAll(async () => {
  const { buildImage } = (await import(join(ROOT, 'scripts/image-steps.mjs'))) as {
    buildImage: (folder: string) => Promise<Image>;
  };
  folder = await temporaryFolder();
  image = await buildImage(folder.path);
}, BUILD_MS);

afterEach(async () => {
  await Promise.all(started.map((program) => program.stop()));
  started = [];
});

afterAll(() => folder.remove());

/** Paths of the image are below its root here. */
const placed = (value: string): string => (value.startsWith('/') ? join(image.root, value) : value);

/** What the image would run, without its init, which is of the operating system. */
function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const [executable, ...args] = argv[0] === 'tini' ? argv.slice(2) : argv;
  expect(executable).toBe('node');
  const own = Object.entries(image.env).map(([name, value]) => [name, placed(value)] as const);
  const program = Program.start({
    command: [image.node],
    args,
    env: { ...Object.fromEntries(own), ...env },
    cwd: placed(image.workdir),
  });
  started.push(program);
  return program;
}

/** `docker run`, with a port that is free. */
async function serve(env: Readonly<Record<string, string>> = {}): Promise<{ program: Program; port: string }> {
  const port = await freePort();
  const program = run([...image.entrypoint, ...image.cmd], { ...OPEN, MCP_SERVER_PORT: port, ...env });
  await program.said(/MCP endpoint/);
  return { program, port };
}

function health(port: string): Promise<Exit> {
  return run(image.healthcheck, { MCP_SERVER_PORT: port }).ending();
}

async function connect(port: string): Promise<Client> {
  const client = new Client({ name: 'image', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`)));
  return client;
}

/** What is in folders of the program, not deeper. */
function namesIn(...folders: string[]): Promise<string[][]> {
  return Promise.all(folders.map((folder) => readdir(join(placed(image.workdir), folder))));
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

describe('the image', () => {
  it('refuses to start while nobody has said who may call', async () => {
    const program = run([...image.entrypoint, ...image.cmd]);
    expect(await program.ending()).toEqual({ code: 78, signal: null });
    expect(program.stderr).toContain('MCP_ALLOW_UNAUTHENTICATED');
  });

  it('serves on every address once it is told to, and answers a client', async () => {
    const { program, port } = await serve();
    expect(program.stderr).toContain(`on 0.0.0.0:${port}`);
    const client = await connect(port);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'get_time', 'list_files', 'math_calc']);
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'from an image' } });
    expect(content).toEqual([{ type: 'text', text: 'Echo: from an image' }]);
    await client.close();
  });

  it('is healthy while it serves, and not before or after', async () => {
    expect((await health(await freePort())).code).toBe(1);
    const { program, port } = await serve();
    expect((await health(port)).code).toBe(0);
    expect(await program.stop(image.stopSignal)).toEqual({ code: 0, signal: null });
    expect((await health(port)).code).toBe(1);
  });

  it('writes to its volume and nowhere else', async () => {
    const before = await namesIn('.', 'dist', 'node_modules');
    const { program } = await serve();
    await program.stop();
    expect(await namesIn('.', 'dist', 'node_modules')).toEqual(before);
    expect(image.volumes).toEqual([image.env['MCP_STATE_DIR']]);
    expect((await readdir(placed(image.volumes[0] as string))).sort()).toEqual(['session.key', 'state.journal']);
  });

  it('takes plug-ins under /app/plugins: files, and packages of their own', async () => {
    const plugins = placed('/app/plugins');
    await cp(join(ROOT, 'examples/plugin-javascript'), join(plugins, 'files'), { recursive: true });
    await mkdir(join(plugins, 'package'), { recursive: true });
    await writeFile(join(plugins, 'package/package.json'), '{ "name": "hello", "type": "module", "main": "hello.js" }');
    await writeFile(
      join(plugins, 'package/hello.js'),
      `import { defineTool } from 'mcp-gatehouse'; export default defineTool({ name: 'hello', run: () => 'hello' });`,
    );
    const { program, port } = await serve({ MCP_TOOLS_PATH: './plugins/files,./plugins/package' });
    expect(program.stderr).not.toContain('skipped');
    const client = await connect(port);
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['hello', 'roll_dice', 'slug']));
    await client.close();
  });
});

describe('the last stage of the Dockerfile', () => {
  it('has the built program, what it needs to run, and no more', async () => {
    expect((await readdir(placed('/app'))).filter((name) => name !== 'plugins').sort()).toEqual([
      'LICENSE',
      'dist',
      'node_modules',
      'package.json',
      'presets',
    ]);
  });

  it('has no development dependency', async () => {
    const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>;
    };
    const dev = Object.entries(lock.packages).filter(([, { dev: isDev }]) => isDev);
    expect(dev.length).toBeGreaterThan(100);
    expect(dev.map(([path]) => path).filter((path) => existsSync(join(placed('/app'), path)))).toEqual([]);
  });

  it('runs the program under an init and without privileges', () => {
    expect(image.entrypoint.slice(0, 2)).toEqual(['tini', '--']);
    expect(image.skipped.join('\n')).toMatch(/apt-get install .*\btini\b/);
    expect(image.user).toBe('1000:1000');
    expect(image.stopSignal).toBe('SIGTERM');
    expect(image.port).toBe(8080);
    expect(image.labels['org.opencontainers.image.licenses']).toBe('Apache-2.0');
  });

  it('binds every address, and does not say for the operator that this is well', () => {
    expect(image.env['MCP_SERVER_HOST']).toBe('0.0.0.0');
    expect(Object.keys(image.env)).not.toContain('MCP_ALLOW_UNAUTHENTICATED');
    expect([...image.entrypoint, ...image.cmd].join(' ')).not.toContain('allow-unauthenticated');
  });
});
