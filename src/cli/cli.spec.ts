import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { banner } from './banner.js';
import { runCli } from './run-cli.js';

describe('banner', () => {
  const facts = (
    server: NonNullable<Parameters<typeof AppConfig.of>[0]>['server'],
    port?: number,
    isAuthRequired = false,
    tcpPort?: number,
  ) => {
    const config = AppConfig.of({ server: server ?? {} });
    return banner({ config, port, tcpPort, isAuthRequired, enabledTools: ['echo', 'add'] });
  };

  it('S0-7 is short on stdio', () => {
    expect(facts({ transports: ['stdio'] })).toEqual([
      `Starting Gatehouse MCP server... (version ${VERSION})`,
      'Log level set to: INFO',
      'Using STDIO transport',
      'Enabled tools: echo, add',
    ]);
  });

  it('S1-4 tells where, who may, what, and how to connect an editor', () => {
    const lines = facts({ transports: ['http'], name: 'tools' }, 8080);
    expect(lines).toContain("Starting MCP server 'tools' on 127.0.0.1:8080");
    expect(lines).toContain('  MCP endpoint:   http://127.0.0.1:8080/mcp');
    expect(lines).toContain('  Authentication: off, every caller has the role operator');
    expect(lines).toContain('  Enabled tools:  echo, add');
    const json = lines.slice(lines.indexOf('    {')).join('\n');
    expect(JSON.parse(json)).toEqual({ servers: { tools: { type: 'http', url: 'http://127.0.0.1:8080/mcp' } } });
    expect(lines).not.toContain('Using STDIO transport');
  });

  it('S1-4 S0-7 names the endpoints that are served, and no other', () => {
    const all = facts({ transports: ['http', 'tcp'], name: 'tools' }, 8080, false, 9500);
    for (const line of [
      'Using HTTP transport on 127.0.0.1:8080',
      'Using TCP transport on 127.0.0.1:9500',
      '  MCP endpoint:   http://127.0.0.1:8080/mcp',
      '  WebSocket endpoint: ws://127.0.0.1:8080/ws',
      '  SSE endpoint: http://127.0.0.1:8080/sse',
      '  Message POST endpoint: http://127.0.0.1:8080/message',
      '  TCP endpoint: tcp://127.0.0.1:9500',
    ]) {
      expect(all).toContain(line);
    }
    const websocket = facts({ transports: ['websocket'] }, 8765).join('\n');
    expect(websocket).toContain('Using WebSocket transport on 127.0.0.1:8765');
    expect(websocket).not.toMatch(/MCP endpoint|SSE|Message|TCP|mcp\.json/);
    const sse = facts({ transports: ['sse'] }, 1).join('\n');
    expect(sse).toContain('Using SSE transport on 127.0.0.1:1');
    expect(sse).not.toMatch(/MCP endpoint|WebSocket|TCP/);
    const tcp = facts({ transports: ['tcp', 'stdio'] }, undefined, false, 9500);
    expect(tcp).toContain("Starting MCP server 'gatehouse' on 127.0.0.1:9500");
    expect(tcp.join('\n')).not.toMatch(/http|ws:/);
  });

  it('says when authentication is on, and that both doors are open', () => {
    const lines = facts({ transports: ['stdio', 'http'] }, 8080, true);
    expect(lines).toContain('  Authentication: on');
    expect(lines.join('\n')).toContain('"Authorization": "Bearer YOUR_TOKEN"');
    expect(lines).toContain('Using STDIO transport');
  });

  it.each([
    ['0.0.0.0', 'http://127.0.0.1:9/mcp'],
    ['::', 'http://127.0.0.1:9/mcp'],
    ['::1', 'http://[::1]:9/mcp'],
    ['localhost', 'http://localhost:9/mcp'],
  ])('names an address of %s that can be reached', (host, url) => {
    const lines = facts({ transports: ['http'], host, allowUnauthenticated: true }, 9);
    expect(lines).toContain(`  MCP endpoint:   ${url}`);
  });
});

describe('runCli', () => {
  let out: string;
  let err: string;
  let codes: unknown[];
  let folder: string;

  beforeEach(async () => {
    [out, err, codes] = ['', '', []];
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-cli-'));
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
    jest.spyOn(process, 'exit').mockImplementation((code) => {
      codes.push(code);
      return undefined as never;
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  const run = (...argv: string[]): Promise<void> => runCli({ argv, cwd: folder });

  it.each([['--version'], ['-v']])('tells its version with %s', async (flag) => {
    await run(flag);
    expect([out, err, codes]).toEqual([`${VERSION}\n`, '', []]);
  });

  it.each([[[]], [['--help']], [['-h']], [['help']]])('S1-40 tells how it is used with %j', async (argv) => {
    await run(...argv);
    expect(out).toContain('Usage: gatehouse <command> [flags]');
    expect(out).toContain('serve');
    expect([err, codes]).toEqual(['', []]);
  });

  it.each(['gone', 'constructor', '__proto__'])('K-35 refuses the command %s with 64', async (command) => {
    await run(command);
    expect(err).toContain(`Error running server: There is no command "${command}".`);
    expect(err).toContain('Usage: gatehouse <command> [flags]');
    expect([out, codes]).toEqual(['', [64]]);
  });

  it.each(['serve', 'config'])('lists the flags of %s', async (command) => {
    await run(command, '--help');
    expect(out).toContain('--transport');
    expect([err, codes]).toEqual(['', []]);
  });

  it('W-34 K-35 refuses settings that are wrong with 78, all at once', async () => {
    await run('config', '--port', 'x', '--transport', 'smoke');
    expect(codes).toEqual([78]);
    expect(err).toMatch(/^Error running server: /);
    expect(err).toMatch(/port/);
    expect(err).toMatch(/transport/);
    expect(err).not.toContain('    at ');
  });

  it('shows every setting with its source, and never a secret', async () => {
    await writeFile(
      join(folder, 'settings.yaml'),
      `sessions:\n  keys: "k1:${Buffer.alloc(32, 7).toString('base64')}"\n`,
    );
    await run('config', '--config', 'settings.yaml', '--name', 'mine');
    expect([err, codes]).toEqual(['', []]);
    expect(out).toMatch(/^server\.name\s+"mine"\s+flag/m);
    expect(out).toMatch(/^sessions\.keys\s+"\*\*\*REDACTED\*\*\*"/m);
    expect(out).not.toContain(Buffer.alloc(32, 7).toString('base64'));
  });

  it('shows warnings on the other output', async () => {
    await writeFile(join(folder, '.env'), 'MCP_NO_SUCH_SETTING=1\n');
    await run('config');
    expect(err).toMatch(/^Warning: .*MCP_NO_SUCH_SETTING/m);
    expect(out).not.toContain('MCP_NO_SUCH_SETTING');
  });
});
