// Runs the official conformance suite against the built program with the fixture plug-in, under Node 22: both releases,
// what each revision requires, and what is pending (the tasks extension among it). Every scenario for servers that a
// release lists has to run, and to pass: the files of expected failures are empty, and stay so.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeOf, npmTool } from './tools.mjs';

const root = join(import.meta.dirname, '..');
const ALPHA = '0.2.0-alpha.12';
const runs = [
  { version: '0.1.16', args: ['--suite', 'all'] },
  { version: ALPHA, args: ['--requirements', '2025-11-25'] },
  { version: ALPHA, args: ['--requirements', '2026-07-28'] },
  { version: ALPHA, args: ['--suite', 'pending'] },
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
/** Scenarios that ran, by release. */
const ran = new Map(runs.map(({ version }) => [version, new Set()]));
try {
  const url = await endpointOf(server);
  for (const run of runs) failed = !passes(run, url) || failed;
  for (const [version, scenarios] of ran) failed = !isWhole(version, scenarios) || failed;
} finally {
  server.kill();
  rmSync(stateDir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

/** @returns whether all passed; what the suite said is shown where not */
function passes({ version, args }, url) {
  const expected = join(root, `test/conformance/expected-failures-${version}.yaml`);
  if (readFileSync(expected, 'utf8').trim() !== 'server: []') {
    console.log(`${expected} names failures: there are to be none`);
    return false;
  }
  const more = ['--expected-failures', expected, '--output-dir', join(stateDir, version)];
  const { status, stdout, stderr } = suite(version, ['server', '--url', url, ...args, ...more]);
  const results = [...stdout.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm)];
  for (const [, scenario] of results) ran.get(version).add(scenario);
  const passed = results.reduce((sum, [, , count]) => sum + Number(count), 0);
  const unchecked = results.filter(([, , ok, bad]) => Number(ok) + Number(bad) === 0).map(([, scenario]) => scenario);
  const skipped = unchecked.length > 0 ? `, skipped by the suite itself: ${unchecked.join(', ')}` : '';
  console.log(
    `conformance ${version} ${args.join(' ')}: ${results.length} scenarios, ${passed} checks passed${skipped}`,
  );
  if (status !== 0 || results.length === 0) console.log(stdout, stderr);
  return status === 0 && results.length > 0;
}

/** @returns whether every scenario for servers that a release lists has run */
function isWhole(version, scenarios) {
  const { stdout } = suite(version, ['list', '--server']);
  const listed = [...stdout.matchAll(/^ +- ([\w-]+)/gm)].map(([, scenario]) => scenario);
  const missing = listed.filter((scenario) => !scenarios.has(scenario));
  console.log(`conformance ${version}: ${scenarios.size} of ${listed.length} scenarios for servers have run`);
  if (missing.length > 0) console.log(`These have not: ${missing.join(', ')}`);
  return listed.length > 0 && missing.length === 0;
}

function suite(version, args) {
  const folder = npmTool(`conformance-${version}`, [`@modelcontextprotocol/conformance@${version}`]);
  const program = join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
  return spawnSync(node22, [program, ...args], { encoding: 'utf8', maxBuffer: 67_108_864 });
}

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
