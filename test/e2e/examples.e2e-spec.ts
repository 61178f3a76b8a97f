import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { BuiltServer } from '../support/built-server.js';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';

jest.setTimeout(30_000);

const JAVASCRIPT = join(ROOT, 'examples');
const COMPILED = join(ROOT, 'dist-fixtures/examples');
const BUILTIN = ['echo', 'get_time', 'list_files', 'math_calc'];

const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

async function connect(to: string | { command: string; args: string[]; cwd?: string }): Promise<Client> {
  const client = new Client({ name: 'examples', version: '1' });
  const transport =
    typeof to === 'string'
      ? new StreamableHTTPClientTransport(new URL(to))
      : new StdioClientTransport({ ...to, stderr: 'ignore' });
  await client.connect(transport);
  clients.push(client);
  return client;
}

async function namesOf(client: Client): Promise<string[]> {
  return (await client.listTools()).tools.map(({ name }) => name);
}

/** The text of a result, and whether it is a failure. */
async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<unknown> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  const [{ text }] = content as [{ text: string }];
  return isError ? { failure: text } : text;
}

function serving(...plugins: string[]): { readonly url: () => string } {
  let server: BuiltServer;
  beforeAll(async () => {
    for (const plugin of plugins) {
      if (!existsSync(plugin)) throw new Error(`${plugin} is missing: run "npm run build:fixtures" first`);
    }
    server = await BuiltServer.start({ plugins });
    expect(server.stderr).not.toContain('skipped');
  });
  afterAll(() => server.dispose());
  return { url: () => server.url };
}

describe.each([
  ['TypeScript', join(COMPILED, 'first-tool/greeter.js')],
  ['JavaScript', join(JAVASCRIPT, 'first-tool/greet.mjs')],
])('a first tool in %s', (_language, plugin) => {
  const server = serving(plugin);

  it('is served beside the built-in ones', async () => {
    const client = await connect(server.url());
    expect((await namesOf(client)).sort()).toEqual([...BUILTIN, 'greet'].sort());
    expect(await call(client, 'greet', { name: 'Ada' })).toBe('Hello, Ada!');
    expect(await call(client, 'greet', {})).toEqual({ failure: 'Invalid arguments for tool greet: name is required' });
  });
});

describe('the plug-in in TypeScript', () => {
  const plugin = join(COMPILED, 'plugin-typescript/on-call.plugin.js');
  const server = serving(plugin);

  it('shows the DTO as JSON Schema, and checks calls by it', async () => {
    const client = await connect(server.url());
    const tool = (await client.listTools()).tools.find(({ name }) => name === 'who_is_on_call');
    expect(tool?.inputSchema).toMatchObject({
      required: ['team'],
      properties: { team: { enum: ['payments', 'search'], description: 'The team to ask for' } },
    });
    expect(await call(client, 'who_is_on_call', { team: 'payments', day: '2026-12-24' })).toBe(
      'Grace is on call for payments on 2026-12-24.',
    );
    expect(await call(client, 'who_is_on_call', { team: 'sales' })).toEqual({
      failure: 'Invalid arguments for tool who_is_on_call: team must be one of ["payments","search"]',
    });
    // What a schema cannot say is checked by class-validator.
    expect(await call(client, 'who_is_on_call', { team: 'search', day: 'Tuesday' })).toEqual({
      failure: 'Invalid arguments for tool who_is_on_call: day must be a valid ISO 8601 date string',
    });
  });

  it('serves its resources', async () => {
    const client = await connect(server.url());
    const teams = await client.readResource({ uri: 'oncall://teams' });
    expect(teams.contents).toEqual([
      { uri: 'oncall://teams', mimeType: 'application/json', text: '{"teams":["payments","search"]}' },
    ]);
    const { contents } = await client.readResource({ uri: 'oncall://rota/search' });
    expect((contents[0] as { text: string }).text).toMatch(/^Edsger\n/);
    await expect(client.readResource({ uri: 'oncall://rota/sales' })).rejects.toMatchObject({ code: -32002 });
  });

  it('serves its prompt, and completes the argument', async () => {
    const client = await connect(server.url());
    const { messages } = await client.getPrompt({ name: 'hand_over', arguments: { team: 'search' } });
    expect(messages).toHaveLength(1);
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'hand_over' },
      argument: { name: 'team', value: 'pa' },
    });
    expect(completion.values).toEqual(['payments']);
  });

  it('is the same on stdio', async () => {
    const args = [join(ROOT, 'dist/main.js'), 'serve', '--tools-path', plugin];
    const client = await connect({ command: process.execPath, args });
    expect(await call(client, 'who_is_on_call', { team: 'payments', day: '2026-12-26' })).toContain('Linus');
  });
});

describe('the plug-ins in plain JavaScript', () => {
  const server = serving(join(JAVASCRIPT, 'plugin-javascript'));

  it('are both taken from the folder', async () => {
    const names = await namesOf(await connect(server.url()));
    expect(names).toEqual(expect.arrayContaining(['roll_dice', 'slug']));
  });

  it('answer with text, structured content and progress', async () => {
    const client = await connect(server.url());
    expect(await call(client, 'roll_dice', { count: 3 })).toMatch(/^[1-6] \+ [1-6] \+ [1-6] = \d+$/);
    const steps: unknown[] = [];
    const result = await client.callTool({ name: 'slug', arguments: { titles: ['Hello, World', 'A b'] } }, undefined, {
      onprogress: ({ progress, total }) => steps.push([progress, total]),
    });
    expect(result.structuredContent).toEqual({ slugs: ['hello-world', 'a-b'] });
    expect(steps).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });
});

describe('the Nest application', () => {
  let folder: TemporaryFolder;
  let program: Program;
  let origin: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    program = Program.start({
      command: [process.execPath, join(COMPILED, 'nest-app/main.js')],
      args: [],
      env: { PORT: '0', HOME: folder.path },
      cwd: folder.path,
    });
    const [, url = ''] = await program.said(/tools: (\S+)\/mcp/, 'stdout');
    origin = url;
  });

  afterAll(async () => {
    await program.stop();
    await folder.remove();
  });

  it('guards its controllers as before', async () => {
    expect((await fetch(`${origin}/orders`)).status).toBe(403);
    const allowed = await fetch(`${origin}/orders`, { headers: { 'x-api-key': 'example' } });
    expect(await allowed.json()).toHaveLength(2);
  });

  it('serves tools with its own services, and does not run the global guard on them', async () => {
    const client = await connect(`${origin}/mcp`);
    expect(client.getServerVersion()?.name).toBe('orders');
    expect(await call(client, 'cancel_order', { id: 2 })).toBe('Order 2 (monitor) is cancelled.');
    const orders = JSON.parse((await call(client, 'list_orders')) as string) as { orders: { status: string }[] };
    expect(orders.orders.map(({ status }) => status)).toEqual(['open', 'cancelled']);
  });

  it('runs the guard of a tool, and shows what it and the tool say', async () => {
    const client = await connect(`${origin}/mcp`);
    await call(client, 'cancel_order', { id: 2 });
    expect(await call(client, 'cancel_order', { id: 2 })).toEqual({ failure: 'Order 2 is cancelled already.' });
    expect(await call(client, 'cancel_order', { id: 9 })).toEqual({
      failure: 'There is no order 9. list_orders tells which there are.',
    });
  });

  it('ends when it is told to, though a client is still there', async () => {
    await connect(`${origin}/mcp`);
    expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  });
});

describe('the README', () => {
  interface Entry {
    readonly url?: string;
    readonly command?: string;
    readonly args?: string[];
  }
  let readme: string;
  let entries: [string, Entry][];

  beforeAll(async () => {
    readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    entries = [...readme.matchAll(/^```json\n(.*?)^```$/gms)]
      .map(([, json = '']) => JSON.parse(json) as Record<'servers' | 'mcpServers', Record<string, Entry>>)
      .flatMap(({ servers, mcpServers }) => Object.entries(servers ?? mcpServers));
  });

  it('quotes the first tools as they are', async () => {
    for (const path of ['first-tool/greeter.ts', 'first-tool/greet.mjs']) {
      expect(readme).toContain(await readFile(join(JAVASCRIPT, path), 'utf8'));
    }
  });

  it('names the endpoint that `npm start` serves', () => {
    const urls = new Set(entries.flatMap(([, { url }]) => url ?? []));
    expect([...urls]).toEqual(['http://127.0.0.1:8080/mcp']);
  });

  it('shows commands that serve on stdio', async () => {
    const commands = entries.flatMap(([, { command, args = [] }]) =>
      command === 'node'
        ? [args.map((arg) => arg.replace(/^(\$\{workspaceFolder\}|\/path\/to\/gatehouse)/, ROOT))]
        : [],
    );
    expect(commands.length).toBeGreaterThanOrEqual(3);
    for (const args of commands) {
      expect(await namesOf(await connect({ command: process.execPath, args }))).toEqual(BUILTIN);
    }
  });
});

describe('the documents', () => {
  it('link to what is there', async () => {
    const files = ['.', 'docs', 'docs/adr', 'examples'].map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: folder === 'examples' }))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(ROOT, folder, name)),
    );
    const texts = new Map<string, string>();
    for (const file of (await Promise.all(files)).flat()) texts.set(file, await readFile(file, 'utf8'));
    const links = [...texts].flatMap(([file, text]) =>
      [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => ({ file, to })),
    );
    const broken = links.filter(({ file, to }) => !/^https?:/.test(to) && !leadsSomewhere(texts, file, to));
    expect(broken.map(({ file, to }) => `${relative(ROOT, file)}: ${to}`)).toEqual([]);
    expect(links.length).toBeGreaterThan(50);
  });
});

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```$/gms, '');
}

function leadsSomewhere(texts: ReadonlyMap<string, string>, file: string, to: string): boolean {
  const [path = '', fragment] = to.split('#');
  const target = path === '' ? file : join(dirname(file), path);
  if (fragment === undefined) return existsSync(target);
  const headings = [...withoutCode(texts.get(target) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.map(anchorOf).includes(fragment);
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/\s/g, '-');
}
