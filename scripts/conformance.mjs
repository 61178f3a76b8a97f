// Runs the official conformance suite against the built program with the fixture plug-in, under Node 22.
// Each release has a file of expected failures: a scenario that fails without being on it fails the run, and so does
// one that is on it and passes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeOf, npmTool } from './tools.mjs';

const root = join(import.meta.dirname, '..');
const runs = [
  { version: '0.1.16', args: ['--suite', 'active'] },
  { version: '0.2.0-alpha.12', args: ['--requirements', '2025-11-25'] },
  { version: '0.2.0-alpha.12', args: ['--requirements', '2026-07-28'] },
];

const node22 = nodeOf(22);
const stateDir = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
const server = spawn(
  process.execPath,
  [join(root, 'dist/main.js'), 'serve', '--transport', 'http', '--port', '0', '--state-dir', stateDir],
  {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      MCP_TOOLS_PATH: join(root, 'dist-fixtures/test/fixtures/everything/index.js'),
      MCP_RATE_LIMIT_MAX: '100000',
    },
  },
);
let failed = false;
try {
  const url = await endpointOf(server);
  for (const { version, args } of runs) {
    const folder = npmTool(`conformance-${version}`, [`@modelcontextprotocol/conformance@${version}`]);
    const program = join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
    const expected = join(root, `test/conformance/expected-failures-${version}.yaml`);
    console.log(`conformance ${version} ${args.join(' ')}`);
    const { status } = spawnSync(
      node22,
      [
        program,
        'server',
        '--url',
        url,
        ...args,
        '--expected-failures',
        expected,
        '--output-dir',
        join(stateDir, version),
      ],
      { stdio: 'inherit' },
    );
    failed ||= status !== 0;
  }
} finally {
  server.kill();
  rmSync(stateDir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

/** Waits for the line that names the endpoint. */
function endpointOf(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      const url = /MCP endpoint:\s+(\S+)/.exec(text)?.[1];
      if (url) resolve(url);
    });
    child.on('exit', (code) => reject(new Error(`The server ended with ${code}:\n${text}`)));
  });
}
