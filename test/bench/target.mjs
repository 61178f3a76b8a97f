// Starting the servers under test, and talking to them.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npmTool } from '../../scripts/tools.mjs';

const root = join(import.meta.dirname, '../..');
export const MAIN = join(root, 'dist/main.js');
export const JSON_BASE = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const REVISION = '2025-06-18';

export const rpc = (id, method, params) => ({ jsonrpc: '2.0', id, method, params });
export const INITIALIZE = rpc(1, 'initialize', {
  protocolVersion: REVISION,
  capabilities: {},
  clientInfo: { name: 'bench', version: '1' },
});
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** The same request in 2026-07-28: with its envelope, and the headers that repeat it. */
export function modern({ id, method, params }) {
  const named = params.name === undefined ? {} : { 'mcp-name': params.name };
  const headers = { ...JSON_BASE, 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...named };
  return { body: rpc(id, method, { ...params, _meta: ENVELOPE }), headers };
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Our server, with everything on that a team would have on; the rates are counted, and set where they refuse nothing. */
export function gatehouse(port, { args = [], env = {}, nodeArgs = [] } = {}) {
  const stateDir = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const child = spawn(
    process.execPath,
    [...nodeArgs, MAIN, 'serve', '--transport', 'http', '--port', String(port), '--state-dir', stateDir, ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        MCP_RATE_LIMIT_WINDOW_MS: '1000',
        MCP_RATE_LIMIT_MAX: '100000',
        MCP_AUDIT_FILE: join(stateDir, 'audit.jsonl'),
        ...env,
      },
    },
  );
  child.on('exit', () => rmSync(stateDir, { recursive: true, force: true }));
  return child;
}

/** A server of ours that measures something, or a peer's, which runs where the peers are installed. */
export function script(name, port, { isPeer = false, nodeArgs = [], env = {} } = {}) {
  const own = join(import.meta.dirname, 'servers', name);
  const file = isPeer ? join(peers(), name) : own;
  if (isPeer) copyFileSync(own, file);
  return spawn(process.execPath, [...nodeArgs, file, String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
}

function peers() {
  return npmTool('bench-peers', [
    '@modelcontextprotocol/sdk@1.32.2',
    '@modelcontextprotocol/server@2.4.0',
    '@modelcontextprotocol/node@2.1.2',
    'express@5.3.0',
    'zod@4.6.7',
  ]);
}

export const post = (url, body, headers = {}) =>
  fetch(url, { method: 'POST', headers: { ...JSON_BASE, ...headers }, body: JSON.stringify(body) });

/** Waits until a server answers at all. */
export async function up(url, child) {
  let log = '';
  child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`The server ended: ${log}`);
    try {
      await (await post(url, {})).text();
      return;
    } catch {
      await wait(50);
    }
  }
  throw new Error(`The server does not answer: ${log}`);
}

/** Opens a session. @param credential headers @returns the headers that further requests carry */
export async function openSession(url, credential = {}) {
  const response = await post(url, INITIALIZE, credential);
  await response.text();
  const id = response.headers.get('mcp-session-id');
  if (!id) throw new Error(`No session: HTTP ${response.status}`);
  const headers = { ...JSON_BASE, ...credential, 'mcp-session-id': id, 'mcp-protocol-version': REVISION };
  await (await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers)).text();
  return headers;
}

export function residentKiB(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

export function percentile(sorted, p) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
}

export async function stop(child) {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
