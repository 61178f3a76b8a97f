// What Redis costs: the same calls on one server without it and on one with it, in turn, as CPU of the server per call.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTool } from '../../scripts/tools.mjs';
import { gatehouse, modern, openSession, post, rpc, stop, up, wait } from './target.mjs';
import { load } from './throughput.mjs';

const CALL = rpc(7, 'tools/call', { name: 'echo', arguments: { message: 'hello world' } });
/** Of user and system time in /proc, on every Linux that Node runs on. */
const TICKS_PER_SEC = 100;
/** How much more CPU a call may cost with Redis than without, by its era. */
export const MOST_MORE = { '2025 session': 1.35, '2026-07-28': 1.05 };

/** CPU seconds that a process has spent. */
export function cpuSecs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SEC;
}

export async function startRedis(port) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-redis-'));
  const lasting = ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...lasting];
  const child = spawn(debianTool('redis-server'), args, { stdio: 'ignore' });
  child.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  while (!(await listens(port))) await wait(20);
  return child;
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('error', () => resolve(false)).once('connect', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

async function measure(era, port, { env, secs, connections }) {
  const url = `http://127.0.0.1:${port}/mcp`;
  const child = gatehouse(port, { env });
  try {
    await up(url, child);
    const { body, headers } = era === '2026-07-28' ? modern(CALL) : { body: CALL, headers: await openSession(url) };
    const probe = await (await post(url, body, headers)).text();
    if (!probe.includes('Echo: hello world')) throw new Error(`The server answered ${probe}`);
    const before = cpuSecs(child.pid);
    // The load runs 2 s to warm up, at about the same rate.
    const { rps, p50, p99, bad } = load(url, { headers, body, secs, connections, hasFreshIds: true });
    return { microsPerCall: ((cpuSecs(child.pid) - before) / (rps * (secs + 2))) * 1e6, rps, p50, p99, bad };
  } finally {
    await stop(child);
  }
}

export async function redisCost({ secs, connections, rounds, port }) {
  const redis = await startRedis(port);
  const env = {
    MCP_REDIS_URL: `redis://127.0.0.1:${port}`,
    MCP_SESSION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
  };
  const best = new Map();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const era of Object.keys(MOST_MORE)) {
        for (const [where, settings] of [
          ['without Redis', {}],
          ['with Redis', env],
        ]) {
          const result = await measure(era, ++port, { env: settings, secs, connections });
          const name = `${era}, ${where}`;
          if (result.microsPerCall < (best.get(name)?.microsPerCall ?? Infinity)) best.set(name, result);
        }
      }
    }
  } finally {
    await stop(redis);
  }
  console.log(`tools/call over Redis, ${connections} connections, ${secs} s, best of ${rounds} rounds:`);
  for (const [era, most] of Object.entries(MOST_MORE)) {
    const [without, withRedis] = ['without', 'with'].map((where) => best.get(`${era}, ${where} Redis`));
    const ratio = withRedis.microsPerCall / without.microsPerCall;
    const aim = `aim at most ${most.toFixed(2)}`;
    for (const [where, { microsPerCall, rps, p50, p99, bad }] of [
      ['without', without],
      ['with', withRedis],
    ])
      console.log(
        `  ${`${era}, ${where} Redis`.padEnd(30)} ${microsPerCall.toFixed(0).padStart(5)} us of CPU per call  ` +
          `${rps.toFixed(0).padStart(7)} req/s  p50 ${p50}  p99 ${p99}${bad ? `  ${bad} BAD ANSWERS` : ''}`,
      );
    console.log(`  ${era}: ${ratio.toFixed(2)} x the CPU per call (${aim})`);
  }
}
