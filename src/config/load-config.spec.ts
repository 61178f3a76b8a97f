import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, REDACTED, StartError } from '../common/index.js';
import type { AppConfig } from './app-config.js';
import { loadConfig } from './load-config.js';
import type { Environment } from './sources.js';

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gatehouse-config-'));
});

afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

const load = (argv: readonly string[], env: Environment = {}): Promise<AppConfig> => loadConfig({ argv, env, cwd });

const write = (name: string, content: unknown): Promise<void> =>
  writeFile(join(cwd, name), typeof content === 'string' ? content : JSON.stringify(content));

async function refusal(argv: readonly string[], env: Environment = {}): Promise<StartError> {
  const error: unknown = await load(argv, env).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof StartError) return error;
  throw new Error('expected a StartError', { cause: error });
}

const sourceOf = (config: AppConfig, key: string): string | undefined =>
  config.describe().find((setting) => setting.key === key)?.source;

const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;

describe('sources', () => {
  it('S4-36 takes a flag over the environment over .env over the file over the default', async () => {
    const env: Record<string, string> = { MCP_CONFIG_FILE: 'g.json' };
    const argv: string[] = [];
    const seen = async (): Promise<unknown[]> => {
      const config = await load(argv, env);
      return [config.rate.maxMessages, sourceOf(config, 'rate.maxMessages')];
    };
    await write('g.json', {});
    expect(await seen()).toEqual([100, 'default']);
    await write('g.json', { rate: { maxMessages: 1 } });
    expect(await seen()).toEqual([1, 'file g.json']);
    await write('.env', 'MCP_RATE_LIMIT_MAX=2');
    expect(await seen()).toEqual([2, '.env']);
    env['MCP_RATE_LIMIT_MAX'] = '3';
    expect(await seen()).toEqual([3, 'env']);
    argv.push('--rate-limit', '4');
    expect(await seen()).toEqual([4, 'flag']);
  });

  it('S4-36 replaces lists, and takes an empty variable as not set', async () => {
    await write('g.json', { tools: { include: ['a', 'b'], exclude: ['x'] } });
    const config = await load(['--config=g.json', '--tools', 'c', 'd'], { TOOL_EXCLUDE: '' });
    expect(config.tools.include).toEqual(['c', 'd']);
    expect(config.tools.exclude).toEqual(['x']);
  });

  it('K-18 takes one management port or several, as a file or a variable writes them', async () => {
    const ports = async (server: object, env = {}): Promise<readonly string[]> => {
      await write('g.json', { server });
      return (await load(['--config', 'g.json'], env)).server.managementPorts;
    };
    expect(await ports({})).toEqual([]);
    expect(await ports({ managementPorts: 3003 })).toEqual(['3003']);
    expect(await ports({ managementPorts: [3003, 9501] })).toEqual(['3003', '9501']);
    expect(await ports({}, { MCP_MANAGEMENT_PORT: '3003, 9501' })).toEqual(['3003', '9501']);
    await expect(ports({ managementPorts: [70_000] })).rejects.toThrow('a port, 0 to 65535');
  });

  it('S4-36 merges the overrides of tools from all sources', async () => {
    await write('g.yaml', 'toolOverrides:\n  net.ping: { timeoutSec: 5, concurrency: 3 }\n');
    await write('.env', 'TOOL_NET_PING_CONCURRENCY=4');
    const config = await load(['--config', 'g.yaml'], { TOOL_NET_PING_RATE: '99999', TOOL_ECHO_TIMEOUT: '7' });
    expect(Object.fromEntries(config.toolOverrides)).toEqual({
      NET_PING: { timeoutSec: 5, concurrency: 4, runsPerMinute: 10_000 },
      ECHO: { timeoutSec: 7 },
    });
    expect(config.warnings).toEqual([
      'config_clamped param=toolOverrides.NET_PING.runsPerMinute original=99999 new=10000 valid_range=[1,10000]',
    ]);
    expect(config.describe().find(({ env }) => env === 'TOOL_NET_PING_CONCURRENCY')?.source).toBe('.env');
  });

  it('finds the settings file by .env', async () => {
    await write('.env', 'MCP_CONFIG_FILE=g.yml');
    await write('g.yml', 'server.name: Ada\nlogging:\n');
    expect((await load([])).server.name).toBe('Ada');
  });
});

describe('values', () => {
  it.each([
    ['TRUE', true],
    ['on', true],
    ['Yes', true],
    ['1', true],
    ['0', false],
    ['off', false],
    ['No', false],
    ['False', false],
  ])('reads %s as %s', async (text, value) => {
    expect((await load([], { MCP_EXPOSE_TOOL_ERRORS: text })).tools.exposeErrors).toBe(value);
  });

  it('S4-37 clamps a tunable number and says so', async () => {
    const config = await load(['--shutdown-grace', '999'], { MCP_MAX_BATCH: '0', MCP_MAX_IN_FLIGHT: '9'.repeat(400) });
    expect(config.server.shutdownGraceSec).toBe(300);
    expect(config.limits).toMatchObject({ maxBatch: 1, maxInFlight: 1_000 });
    expect(config.warnings).toEqual([
      'config_clamped param=server.shutdownGraceSec original=999 new=300 valid_range=[0,300]',
      'config_clamped param=limits.maxInFlight original=Infinity new=1000 valid_range=[1,1000]',
      'config_clamped param=limits.maxBatch original=0 new=1 valid_range=[1,1000]',
    ]);
  });

  it.each(['65536', '-1'])('S4-37 refuses port %s rather than clamping it', async (port) => {
    expect((await refusal(['--port', port])).faults).toEqual([
      `--port must be a whole number from 0 to 65535, not "${port}"`,
    ]);
  });

  it.each(['ten', '1.5', '1e3', '0x10', 'NaN'])('K-24 refuses %s where a whole number must be', async (text) => {
    const { faults, exitCode } = await refusal([], { MCP_MAX_QUEUE: text });
    expect(faults).toEqual([`MCP_MAX_QUEUE in the environment must be a whole number from 1 to 10000, not "${text}"`]);
    expect(exitCode).toBe(EXIT.config);
  });

  it('S0-6 refuses an unknown transport and names the valid ones', async () => {
    const { faults, exitCode } = await refusal(['--transport', 'stdio,pigeon']);
    expect(faults).toEqual([
      '--transport must be a list of one or more of: stdio, http, websocket, sse, tcp, not "stdio,pigeon"',
    ]);
    expect(exitCode).toBe(78);
    expect((await refusal(['--transport='])).faults).toHaveLength(1);
  });

  it('K-1 takes a comma list of transports, once each, in any case', async () => {
    const config = await load(['--transport', 'stdio,HTTP,http']);
    expect(config.server.transports).toEqual(['stdio', 'http']);
  });
});

describe('faults', () => {
  it('K-24 lists every fault at once and exits 78', async () => {
    await write('.env', 'MCP_STDIO_ROLE=the king');
    await write('g.yaml', 'http:\n  corsOrigins: ["*"]\nservr: 1\n');
    const env = { MCP_SERVER_HOST: 'no host', MCP_EXPOSE_TOOL_ERRORS: 'maybe', TOOL_ECHO_TIMEOUT: 'long' };
    const error = await refusal(['--config', 'g.yaml', '--port', 'x'], env);
    expect(error.faults).toEqual([
      expect.stringMatching(/^servr in g\.yaml is not a setting; the nearest is server\./),
      'MCP_SERVER_HOST in the environment must be an IP address or a host name, not "no host"',
      '--port must be a whole number from 0 to 65535, not "x"',
      expect.stringMatching(/^MCP_STDIO_ROLE in \.env must be .*, not "the king"$/),
      expect.stringMatching(
        /^http\.corsOrigins in g\.yaml must be a list, each item an exact origin .*, not \["\*"\]$/,
      ),
      expect.stringMatching(/^MCP_EXPOSE_TOOL_ERRORS in the environment must be true or false .*, not "maybe"$/),
      'TOOL_ECHO_TIMEOUT in the environment must be a whole number from 1 to 3600, not "long"',
    ]);
    expect(error.exitCode).toBe(78);
    expect(error.message).toContain('  - --port must be');
  });

  it('K-35 exits 64 when the command line is at fault, and still lists the rest', async () => {
    const error = await refusal(['--prot', '1', '--host', 'no host']);
    expect(error.faults).toHaveLength(2);
    expect(error.exitCode).toBe(EXIT.usage);
  });

  it('W-34 never falls back to a default', async () => {
    await write('g.json', { server: { port: 'eighty' } });
    expect((await refusal(['--config', 'g.json'])).faults[0]).toBe(
      'server.port in g.json must be a whole number from 0 to 65535, not "eighty"',
    );
  });

  it.each([
    ['missing.yaml', undefined, 'cannot be read (ENOENT)'],
    ['g.toml', 'a', 'must end in .json, .yaml or .yml'],
    ['g.json', '{"sessions": {"keys": hunter2}}', 'is not valid JSON'],
    ['g.json', '{"a": 1,}', 'is not valid JSON, character 8'],
    ['g.yaml', 'sessions:\n  keys: [hunter2\nb: 1', 'is not valid YAML, line 3'],
    ['g.yaml', 'a: 1\na: hunter2', 'is not valid YAML, line 2'],
    ['g.yaml', 'a: *hunter2', 'is not valid YAML'],
    ['g.yaml', '- hunter2', 'must hold an object of groups'],
  ])('K-24 refuses the settings file %s holding %j without quoting it', async (name, text, fault) => {
    if (text !== undefined) await write(name, text);
    const { faults } = await refusal(['--config', name]);
    expect(faults).toEqual([`The settings file ${name} ${fault}`]);
  });

  it('K-24 refuses a list of YAML that holds itself', async () => {
    await write('g.yaml', 'tools:\n  include: &loop [*loop, a]\n');
    expect((await refusal(['--config', 'g.yaml'])).faults).toEqual([
      'tools.include in g.yaml must be a list of words, not [a value of type object, "a"]',
    ]);
  });

  it('takes an empty settings file', async () => {
    await write('g.yaml', '# nothing\n');
    expect((await load(['--config', 'g.yaml'])).server.port).toBe(8080);
  });

  it('D-22 refuses unknown keys, keys given twice, and the settings file naming itself', async () => {
    await write('g.json', {
      'server.port': 1,
      server: { port: 2, configFile: 'x.json' },
      tools: { includes: ['a'], nested: { deep: { deeper: 1 } } },
      toolOverrides: { echo: { speed: 1 }, 'a-b': { timeoutSec: 1 }, a_b: { timeoutSec: 2 } },
    });
    expect((await refusal(['--config', 'g.json'])).faults).toEqual([
      'server.port in g.json is given twice',
      'server.configFile in g.json may only be given by flag or environment',
      'tools.includes in g.json is not a setting; the nearest is tools.include',
      expect.stringContaining('tools.nested.deep in g.json is not a setting'),
      expect.stringContaining('toolOverrides.echo.speed in g.json is not a setting'),
      'toolOverrides.a_b.timeoutSec in g.json is given twice',
    ]);
  });

  it('refuses a .env that cannot be read', async () => {
    await mkdir(join(cwd, '.env'));
    expect((await refusal([])).faults).toEqual(['.env cannot be read (EISDIR)']);
  });
});

describe('rules over several settings', () => {
  it('K-1 serves http when a port is given and no transport, and says so', async () => {
    const config = await load([], { MCP_SERVER_PORT: '0' });
    expect(config.server.transports).toEqual(['http']);
    expect(sourceOf(config, 'server.transports')).toBe('env');
    expect(config.warnings).toEqual([expect.stringMatching(/^config.transport_implied transport=http/)]);
  });

  it('K-4 refuses to open itself to others without a word', async () => {
    const { faults } = await refusal(['--host', '0.0.0.0', '--auth=false']);
    expect(faults).toEqual([expect.stringContaining('is not loopback')]);
    const config = await load(['--host', '0.0.0.0', '--allow-unauthenticated']);
    expect(config.server).toMatchObject({ host: '0.0.0.0', transports: ['http'] });
    expect([config.auth.enabled, config.warnings.length]).toEqual([false, 1]);
  });

  it('K-4 has authentication on where others can reach it, and says nothing of what is expected', async () => {
    const config = await load(['--transport', 'http', '--host', '0.0.0.0']);
    expect([config.auth.enabled, sourceOf(config, 'auth.enabled'), config.warnings]).toEqual([true, 'default', []]);
    expect((await load(['--transport', 'http'])).auth.enabled).toBe(false);
  });

  it('K-4 K-24 finds the open host beside a wrong port', async () => {
    expect((await refusal(['--host', '0.0.0.0', '--auth=no', '--port', 'x'])).faults).toEqual([
      expect.stringContaining('--port must be'),
      expect.stringContaining('The host 0.0.0.0 is not loopback'),
    ]);
  });

  it('K-4 says nothing about a host that is wrong anyway', async () => {
    expect((await refusal(['--transport', 'http', '--host', 'no host'])).faults).toHaveLength(1);
  });

  it('raises a body timeout that is shorter than the headers timeout', async () => {
    const config = await load([], { MCP_HEADERS_TIMEOUT_MS: '20000', MCP_BODY_TIMEOUT_MS: '10000' });
    expect(config.http.bodyTimeoutMs).toBe(20_000);
    expect(config.warnings).toHaveLength(1);
  });
});

describe('names', () => {
  it.each([
    ['WARNING', 'warn'],
    ['Critical', 'fatal'],
    ['DEBUG', 'debug'],
  ])('K-22 reads the level %s as %s', async (text, level) => {
    expect((await load([], { MCP_LOG_LEVEL: text })).logging.level).toBe(level);
  });

  it('K-22 prefers MCP_LOG_LEVEL to MCP_LOGGING_LEVEL to LOG_LEVEL, and names the new one', async () => {
    const env: Record<string, string> = { LOG_LEVEL: 'error' };
    const seen = async (): Promise<unknown> => {
      const { logging, warnings } = await load([], env);
      return [logging.level, ...warnings];
    };
    const old = 'config.deprecated old=LOG_LEVEL new=MCP_LOG_LEVEL:';
    expect(await seen()).toEqual(['error', `${old} it is read, set the new name`]);
    env['MCP_LOGGING_LEVEL'] = 'fatal';
    expect(await seen()).toEqual([
      'fatal',
      'config.deprecated old=MCP_LOGGING_LEVEL new=MCP_LOG_LEVEL: it is read, set the new name',
      `${old} it is not read, as MCP_LOGGING_LEVEL is set too`,
    ]);
    env['MCP_LOG_LEVEL'] = 'debug';
    expect(await seen()).toEqual([
      'debug',
      'config.deprecated old=MCP_LOGGING_LEVEL new=MCP_LOG_LEVEL: it is not read, as MCP_LOG_LEVEL is set too',
      `${old} it is not read, as MCP_LOG_LEVEL is set too`,
    ]);
  });

  it('D-22 warns about unknown and old names in both environments and reads none', async () => {
    await write('.env', 'MCP_TRANSPORT=http\nDATABASE_URL=x');
    const config = await load([], { MCP_PORT: '1', MCP_OTEL_URL: 'redis://:hunter2@h' });
    expect(config.server).toMatchObject({ port: 8080, transports: ['stdio'] });
    expect(config.warnings.map((warning) => warning.split(':')[0])).toEqual([
      'config.deprecated old=MCP_PORT new=MCP_SERVER_PORT',
      'config.unknown name=MCP_OTEL_URL',
      'config.deprecated old=MCP_TRANSPORT new=MCP_SERVER_TRANSPORT',
    ]);
    expect(config.warnings.join()).not.toContain('hunter2');
  });

  it('D-22 ignores the tcp:// that Kubernetes puts on a port variable', async () => {
    await write('.env', 'MCP_SERVER_PORT=9000');
    const config = await load([], { MCP_SERVER_PORT: 'tcp://10.0.0.1:8080' });
    expect(config.server.port).toBe(9000);
    expect(config.warnings[0]).toMatch(/^config.service_links_ignored names=MCP_SERVER_PORT:/);
    await rm(join(cwd, '.env'));
    expect((await load([], { MCP_SERVER_PORT: 'tcp://10.0.0.1:8080' })).server.transports).toEqual(['stdio']);
  });
});

describe('secrets', () => {
  it.each(['\n', '\r\n', ''])('W-37 reads one from a file that ends in %j', async (end) => {
    await write('keys', KEYS + end);
    const config = await load([], { MCP_SESSION_KEYS_FILE: 'keys' });
    expect(config.sessions.keys).toBe(KEYS);
    expect(config.describe().find(({ key }) => key === 'sessions.keys')).toMatchObject({
      value: REDACTED,
      source: 'env',
    });
  });

  it('W-37 trims one newline only, refuses what is left, and never shows it', async () => {
    await write('keys', 'hunter2\n\n');
    const { message } = await refusal([], { MCP_SESSION_KEYS_FILE: 'keys' });
    expect(message).toContain('The file of MCP_SESSION_KEYS_FILE must be a comma separated list of kid:base64');
    expect(message).not.toContain('hunter2');
  });

  it('W-37 shows no secret of any source in a fault', async () => {
    await write('g.json', { sessions: { keys: 'hunter2' } });
    await write('.env', 'MCP_SESSION_KEYS=hunter2');
    for (const argv of [[], ['--config', 'g.json']]) {
      expect((await refusal(argv)).message).not.toContain('hunter2');
      await rm(join(cwd, '.env'), { force: true });
    }
  });

  it('W-37 refuses a secret given both ways, and a file that cannot be read', async () => {
    const both = { MCP_SESSION_KEYS: KEYS, MCP_SESSION_KEYS_FILE: 'keys' };
    expect((await refusal([], both)).faults).toEqual([
      'MCP_SESSION_KEYS and MCP_SESSION_KEYS_FILE are both set; keep one',
    ]);
    expect((await refusal([], { MCP_SESSION_KEYS_FILE: 'keys' })).faults).toEqual([
      'The file of MCP_SESSION_KEYS_FILE cannot be read (ENOENT)',
    ]);
  });

  it('lets a secret of the environment stand before the file that .env names', async () => {
    await write('.env', 'MCP_SESSION_KEYS_FILE=keys');
    await write('keys', 'k2:nonsense');
    expect((await load([], { MCP_SESSION_KEYS: KEYS })).sessions.keys).toBe(KEYS);
  });
});
