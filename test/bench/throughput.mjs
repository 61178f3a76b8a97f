// Requests per second of the same tools/call: bare node:http, the SDK, and us, in turn, best of the rounds.
import { execFileSync } from 'node:child_process';
import { writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTool } from '../../scripts/tools.mjs';
import { gatehouse, JSON_BASE, modern, openSession, post, rpc, residentKiB, script, stop, up } from './target.mjs';

const CALL = rpc(7, 'tools/call', { name: 'echo', arguments: { message: 'hello world' } });

const servers = [
  { name: 'node:http, the limit', start: (port) => script('limit.mjs', port), kind: 'plain' },
  { name: 'SDK v1, 2025 session', start: (port) => script('sdk-v1.mjs', port, { isPeer: true }), kind: 'session' },
  { name: 'gatehouse, 2025 session', start: (port) => gatehouse(port), kind: 'session', peer: 'SDK v1, 2025 session' },
  { name: 'SDK v2, 2026-07-28', start: (port) => script('sdk-v2.mjs', port, { isPeer: true }), kind: 'modern' },
  { name: 'gatehouse, 2026-07-28', start: (port) => gatehouse(port), kind: 'modern', peer: 'SDK v2, 2026-07-28' },
];

// Each request under an id of its own, which costs wrk a little: for calls that may be under way at once in one session.
const freshIds = (first, sessions = []) => `
local n = ${first}
local sessions = {${sessions.map((id) => JSON.stringify(id)).join(',')}}
request = function()
  n = n + 1
  if #sessions > 0 then wrk.headers["mcp-session-id"] = sessions[n % #sessions + 1] end
  return wrk.format(nil, nil, nil, (string.gsub(wrk.body, '"id":7', string.format('"id":%d', n), 1)))
end
`;

/**
 * What tells wrk of a request.
 * @param firstId number before the first id, where each request has one of its own
 * @param sessions ids of sessions that take turns
 */
export function wrkScript({ headers, body, firstId, sessions }) {
  const set = Object.entries(headers).map(([k, v]) => `wrk.headers[${JSON.stringify(k)}]=${JSON.stringify(v)}`);
  const ids = firstId === undefined ? '' : freshIds(firstId, sessions);
  return `wrk.method='POST'\nwrk.body=[==[${JSON.stringify(body)}]==]\n${set.join('\n')}\n${ids}`;
}

/** Loads one URL with wrk. @returns requests per second and latencies */
export function load(url, { headers, body, secs, connections, hasFreshIds = false }) {
  const wrk = debianTool('wrk');
  const lua = join(tmpdir(), `gatehouse-bench-${process.pid}.lua`);
  writeFileSync(lua, wrkScript({ headers, body, ...(hasFreshIds && { firstId: 'os.time() * 1000000' }) }));
  const run = (seconds) =>
    execFileSync(wrk, ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', lua, url]).toString();
  try {
    run(2);
    const out = run(secs);
    return {
      rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]),
      bytesPerSec: toBytes(/Transfer\/sec:\s+(\S+)/.exec(out)[1]),
      p50: /^\s+50%\s+(\S+)/m.exec(out)[1],
      p99: /^\s+99%\s+(\S+)/m.exec(out)[1],
      bad: Number((/Non-2xx.*: (\d+)/.exec(out) ?? [0, 0])[1]),
    };
  } finally {
    rmSync(lua, { force: true });
  }
}

function toBytes(text) {
  const [, number, unit] = /([\d.]+)(\w+)/.exec(text);
  return Number(number) * { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }[unit];
}

async function requestOf({ kind, token }, url) {
  if (kind === 'modern') return modern(CALL);
  const credential = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return { body: CALL, headers: kind === 'session' ? await openSession(url, credential) : JSON_BASE };
}

/** Starts a server, calls its tool for a while, and stops it. @returns what `load` does, and its memory in MiB */
export async function measure(server, port, options) {
  const url = `http://127.0.0.1:${port}/mcp`;
  const child = server.start(port);
  try {
    await up(url, child);
    const { headers, body } = await requestOf(server, url);
    const probe = await (await post(url, body, headers)).text();
    if (!probe.includes('Echo: hello world')) throw new Error(`${server.name} answered ${probe}`);
    return { ...load(url, { ...options, headers, body }), rss: Math.round(residentKiB(child.pid) / 1024) };
  } finally {
    await stop(child);
  }
}

export async function throughput({ secs, connections, rounds, port }) {
  const best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const result = await measure(server, port++, { secs, connections });
      if (result.rps > (best.get(server.name)?.rps ?? 0)) best.set(server.name, result);
    }
  }
  const limit = best.get(servers[0].name).rps;
  console.log(`tools/call, ${connections} connections, ${secs} s, best of ${rounds} rounds:`);
  for (const { name, peer } of servers) {
    const { rps, p50, p99, rss, bad } = best.get(name);
    const times = peer ? `${(rps / best.get(peer).rps).toFixed(1)} x SDK` : '';
    console.log(
      `  ${name.padEnd(24)} ${rps.toFixed(0).padStart(7)} req/s  ${((rps / limit) * 100).toFixed(1).padStart(5)} % of the limit  ` +
        `${times.padStart(10)}  p50 ${p50}  p99 ${p99}  ${rss} MiB${bad ? `  ${bad} BAD ANSWERS` : ''}`,
    );
  }
}
