// What many replicas cost: idle sessions in Redis and in the processes, and the CPU of all servers per call, by how many
// they are: of replicas that share a Redis, and of as many servers that are alone. Each is loaded by itself, as by a balancer.
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianTool } from '../../scripts/tools.mjs';
import { memoryProbe } from './memory.mjs';
import { cpuSecs, MOST_MORE, startRedis } from './redis.mjs';
import { gatehouse, INITIALIZE, modern, openSession, post, residentKiB, rpc, stop, up, wait } from './target.mjs';
import { wrkScript } from './throughput.mjs';

const REPLICAS = 3;
const CALL = rpc(7, 'tools/call', { name: 'echo', arguments: { message: 'hello world' } });
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };
/** Sessions that come before any is measured, and how many are opened at once. */
const WARM_UP = 600;
const AT_ONCE = 16;
const WARM_UP_SECS = 2;
const MICROS = 1e6;
/** Until the windows of what was counted are over, of which idle sessions have none. */
const IDLE_MS = 3_000;

const MODERN = '2026-07-28';
/** Callers of whom each says little: the counts of each are asked for by themselves. */
const MANY_COUNT = 500;
const MANY = `${MANY_COUNT} sessions`;
/** What is measured, and how much more CPU a call may cost with Redis than without. */
const KINDS = { '2025 session': MOST_MORE['2025 session'], [MANY]: undefined, [MODERN]: MOST_MORE[MODERN] };

const run = promisify(execFile);
const share = (port) => ({
  MCP_REDIS_URL: `redis://127.0.0.1:${port}`,
  MCP_SESSION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
  MCP_SESSION_MAX: '100000',
});
const urlOf = (port) => `http://127.0.0.1:${port}/mcp`;

/** One figure of INFO. */
function told(redisPort, section, name) {
  const text = execFileSync('redis-cli', ['-p', String(redisPort), 'info', section], { encoding: 'utf8' });
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)[1]);
}

/** Starts servers on the ports from one on. @returns their processes, and their endpoints */
async function start(count, port, { env, nodeArgs }) {
  const urls = Array.from({ length: count }, (_, at) => urlOf(port + at));
  const children = urls.map((_, at) => gatehouse(port + at, { env: env(at), nodeArgs }));
  await Promise.all(urls.map((url, at) => up(url, children[at])));
  return { children, urls };
}

/** Opens sessions by round robin: what follows initialize gets to another replica than it. */
async function openSessions(urls, from, to) {
  let next = from;
  const work = async () => {
    for (let at = next++; at < to; at = next++) {
      const response = await post(urls[at % urls.length], INITIALIZE);
      await response.text();
      const id = response.headers.get('mcp-session-id');
      if (!id) throw new Error(`No session: HTTP ${response.status}`);
      const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-06-18' };
      const { status } = await post(urls[(at + 1) % urls.length], INITIALIZED, headers);
      if (status !== 202) throw new Error(`A session is not known at the next replica: HTTP ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function idleSessions({ port, count }) {
  const redis = await startRedis(port);
  const probes = Array.from({ length: REPLICAS }, memoryProbe);
  const env = share(port);
  let children = [];
  try {
    const started = await start(REPLICAS, port + 1, {
      nodeArgs: probes[0].nodeArgs,
      env: (at) => ({ ...env, ...probes[at].env }),
    });
    ({ children } = started);
    const heap = async () => {
      let sum = 0;
      for (const [at, child] of children.entries()) sum += await probes[at].ask(child);
      return sum;
    };
    await openSessions(started.urls, 0, WARM_UP);
    await wait(IDLE_MS);
    const before = { heap: await heap(), redis: told(port, 'memory', 'used_memory'), keys: keysOf(port) };
    const startedAt = performance.now();
    await openSessions(started.urls, WARM_UP, WARM_UP + count);
    const rate = count / ((performance.now() - startedAt) / 1000);
    await wait(IDLE_MS);
    const after = { heap: await heap(), redis: told(port, 'memory', 'used_memory'), keys: keysOf(port) };
    const resident = children.map(({ pid }) => `${Math.round(residentKiB(pid) / 1024)} MiB`);
    console.log(
      `idle sessions, ${count} of them over ${REPLICAS} replicas, opened by round robin (${rate.toFixed(0)}/s):`,
    );
    console.log(
      `  each in Redis          ${((after.redis - before.redis) / count).toFixed(0)} bytes, ${((after.keys - before.keys) / count).toFixed(2)} keys`,
    );
    console.log(`  each in all processes  ${((after.heap - before.heap) / count).toFixed(2)} KiB`);
    console.log(`  the processes          ${resident.join(', ')} resident`);
  } finally {
    for (const child of children) await stop(child);
    await stop(redis);
    for (const probe of probes) probe.remove();
  }
}

const keysOf = (redisPort) =>
  Number(execFileSync('redis-cli', ['-p', String(redisPort), 'dbsize'], { encoding: 'utf8' }).trim());

/** Loads each server at once, by connections of its own. @returns how many requests were answered, and how many of them badly */
async function loadAll(urls, requests, { secs, connections }) {
  const wrk = debianTool('wrk');
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const runs = urls.map(async (url, at) => {
      const script = join(folder, `${at}.lua`);
      writeFileSync(script, wrkScript({ ...requests[at], firstId: `${at + 1} * 1e12 + (os.time() % 1e6) * 1e6` }));
      const { stdout } = await run(wrk, ['-t1', `-c${connections}`, `-d${secs}s`, '-s', script, url]);
      return {
        calls: Number(/(\d+) requests in/.exec(stdout)[1]),
        bad: Number((/Non-2xx.*: (\d+)/.exec(stdout) ?? [0, 0])[1]),
      };
    });
    const all = await Promise.all(runs);
    return { calls: sumOf(all, ({ calls }) => calls), bad: sumOf(all, ({ bad }) => bad) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sumOf = (all, figure) => all.reduce((sum, one) => sum + figure(one), 0);

/** What servers are asked: in sessions that all of them share, or that each has of its own. */
async function requestsOf(kind, urls, isShared) {
  if (kind === MODERN) return urls.map(() => modern(CALL));
  const opened = [];
  for (const url of isShared ? urls.slice(0, 1) : urls) {
    const headers = await openSession(url);
    const sessions = [];
    while (kind === MANY && sessions.length < MANY_COUNT) sessions.push((await openSession(url))['mcp-session-id']);
    opened.push({ body: CALL, headers, sessions });
  }
  return urls.map((_, at) => opened[at] ?? opened[0]);
}

/** @param isShared whether the servers are replicas on one Redis, or each is alone */
async function measure(kind, { count, isShared }, { port, secs, connections }) {
  const redis = isShared ? await startRedis(port) : undefined;
  const env = redis ? share(port) : { MCP_SESSION_MAX: '100000' };
  let children = [];
  try {
    const started = await start(count, port + 1, { env: () => env });
    ({ children } = started);
    const { urls } = started;
    const requests = await requestsOf(kind, urls, isShared);
    for (const [at, { body, headers }] of requests.entries()) {
      const probe = await (await post(urls[at], body, headers)).text();
      if (!probe.includes('Echo: hello world')) throw new Error(`The server answered ${probe}`);
    }
    // Code is compiled in each, which get less of the machine the more they are.
    await loadAll(urls, requests, { secs: WARM_UP_SECS * count, connections });
    const spent = () => sumOf(children, ({ pid }) => cpuSecs(pid));
    const commands = () => (redis ? told(port, 'stats', 'total_commands_processed') : 0);
    const before = { servers: spent(), redis: redis ? cpuSecs(redis.pid) : 0, commands: commands() };
    const { calls, bad } = await loadAll(urls, requests, { secs, connections });
    return {
      micros: ((spent() - before.servers) / calls) * MICROS,
      redisMicros: redis ? ((cpuSecs(redis.pid) - before.redis) / calls) * MICROS : 0,
      commands: (commands() - before.commands) / calls,
      rps: calls / secs,
      bad,
    };
  } finally {
    for (const child of children) await stop(child);
    if (redis) await stop(redis);
  }
}

async function calls({ secs, connections, rounds, port }) {
  const best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.keys(KINDS)) {
      for (let count = 1; count <= REPLICAS; count++) {
        for (const isShared of [false, true]) {
          const result = await measure(kind, { count, isShared }, { secs, connections, port });
          port += REPLICAS + 1;
          const name = nameOf(kind, count, isShared);
          if (result.micros < (best.get(name)?.micros ?? Infinity)) best.set(name, result);
        }
      }
    }
  }
  console.log(
    `tools/call, ${connections} connections to each server, ${secs} s, best of ${rounds} rounds, CPU of all servers:`,
  );
  for (const [kind, most] of Object.entries(KINDS)) {
    for (let count = 1; count <= REPLICAS; count++) {
      const [alone, shared] = [false, true].map((isShared) => best.get(nameOf(kind, count, isShared)));
      const { micros, redisMicros, commands, rps, bad } = shared;
      console.log(
        `  ${kind.padEnd(13)} ${count} x  ${micros.toFixed(0).padStart(4)} us per call with Redis, ${alone.micros.toFixed(0).padStart(4)} without: ` +
          `${(micros / alone.micros).toFixed(2)} x${most ? ` (aim at most ${most.toFixed(2)})` : ''};  ` +
          `Redis ${redisMicros.toFixed(1)} us, ${commands.toFixed(2)} commands;  ${rps.toFixed(0)} req/s, ${alone.rps.toFixed(0)} without` +
          `${bad + alone.bad ? `  ${bad + alone.bad} BAD ANSWERS` : ''}`,
      );
    }
  }
}

const nameOf = (kind, count, isShared) => `${kind}, ${count}, ${isShared}`;

export async function scale({ secs, connections, rounds, port, count }) {
  debianTool('redis-cli', 'redis-tools');
  await idleSessions({ port, count });
  await calls({ secs, connections, rounds, port: port + 10 });
}
