// Requests per second of the same tools/call: bare node:http, the SDK, and us, in turn, best of the rounds.
import { execFileSync } from 'node:child_process';
import { writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTool } from '../../scripts/tools.mjs';
import { gatehouse, JSON_BASE, openSession, post, rpc, rssMiB, script, stop, up } from './target.mjs';

const CALL = rpc(7, 'tools/call', { name: 'echo', arguments: { message: 'hello world' } });

const servers = [
  { name: 'node:http, the limit', start: (port) => script('limit.mjs', port), hasSession: false },
  { name: 'SDK v1 with Express', start: (port) => script('sdk-v1.mjs', port), hasSession: true },
  { name: 'gatehouse', start: (port) => gatehouse(port), hasSession: true },
];

/** Loads one URL with wrk. @returns requests per second and latencies */
export function load(url, { headers, body, secs, connections }) {
  const wrk = debianTool('wrk');
  const lua = join(tmpdir(), `gatehouse-bench-${process.pid}.lua`);
  const set = Object.entries(headers).map(([k, v]) => `wrk.headers[${JSON.stringify(k)}]=${JSON.stringify(v)}`);
  writeFileSync(lua, `wrk.method='POST'\nwrk.body=[==[${JSON.stringify(body)}]==]\n${set.join('\n')}\n`);
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

async function measure(server, port, options) {
  const url = `http://127.0.0.1:${port}/mcp`;
  const child = server.start(port);
  try {
    await up(url, child);
    const headers = server.hasSession ? await openSession(url) : JSON_BASE;
    const probe = await (await post(url, CALL, headers)).text();
    if (!probe.includes('Echo: hello world')) throw new Error(`${server.name} answered ${probe}`);
    return { ...load(url, { ...options, headers, body: CALL }), rss: rssMiB(child.pid) };
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
  const sdk = best.get(servers[1].name).rps;
  console.log(`tools/call, ${connections} connections, ${secs} s, best of ${rounds} rounds:`);
  for (const [name, { rps, p50, p99, rss, bad }] of best) {
    console.log(
      `  ${name.padEnd(22)} ${rps.toFixed(0).padStart(7)} req/s  ${((rps / limit) * 100).toFixed(1).padStart(5)} % of the limit  ` +
        `${(rps / sdk).toFixed(1).padStart(5)} x SDK  p50 ${p50}  p99 ${p99}  ${rss} MiB${bad ? `  ${bad} BAD ANSWERS` : ''}`,
    );
  }
}
