// What an open stream costs in memory, in both eras and in bare node:http: a GET of a session, and a POST that listens.
import { request } from 'node:http';
import { memoryProbe } from './memory.mjs';
import { gatehouse, modern, openSession, residentKiB, rpc, script, stop, up, wait } from './target.mjs';

/** Connections that are being opened at once. */
const AT_ONCE = 50;
const WARM_UP = 100;
const LISTEN = modern(rpc(9, 'subscriptions/listen', { notifications: { toolsListChanged: true } }));

const targets = [
  { name: 'node:http, the limit', start: bare, asked: async () => ({ method: 'GET', headers: {} }) },
  {
    name: 'gatehouse, 2025 GET',
    start: ours,
    asked: async (url) => ({ method: 'GET', headers: { ...(await openSession(url)), accept: 'text/event-stream' } }),
  },
  {
    name: 'gatehouse, 2026-07-28',
    start: ours,
    asked: async () => ({ method: 'POST', headers: LISTEN.headers, body: JSON.stringify(LISTEN.body) }),
  },
];

export async function streams({ port, count }) {
  console.log(`streams, ${count} of them open:`);
  let floor;
  for (const target of targets) {
    const { heap, resident } = await measure(target, port++, count);
    floor ??= heap;
    const over = target.name.startsWith('gatehouse')
      ? `, ${(heap - floor).toFixed(2)} over the limit (aim 20 in all)`
      : '';
    console.log(
      `  ${target.name.padEnd(22)} ${heap.toFixed(2).padStart(6)} KiB each${over}; resident ${resident.toFixed(1)} KiB`,
    );
  }
}

function bare(port, probe) {
  return script('limit.mjs', port, probe);
}

function ours(port, { nodeArgs, env }) {
  const limits = {
    MCP_SESSION_MAX: '100000',
    MCP_SERVER_MAX_CONNECTIONS: '10000',
    MCP_RATE_LIMIT_CONNECTIONS: '100000',
  };
  return gatehouse(port, { nodeArgs, env: { ...limits, ...env } });
}

async function measure({ start, asked }, port, count) {
  const probe = memoryProbe();
  const child = start(port, probe);
  const open = [];
  try {
    const url = `http://127.0.0.1:${port}/mcp`;
    await up(url, child);
    // The sessions are there before, and are no part of what a stream costs.
    const all = await several(WARM_UP + count, () => asked(url));
    open.push(...(await several(WARM_UP, (at) => stream(url, all[at]))));
    const before = { heap: await probe.ask(child), resident: residentKiB(child.pid) };
    open.push(...(await several(count, (at) => stream(url, all[WARM_UP + at]))));
    await wait(500);
    return {
      heap: ((await probe.ask(child)) - before.heap) / count,
      resident: (residentKiB(child.pid) - before.resident) / count,
    };
  } finally {
    for (const req of open) req.destroy();
    await stop(child);
    probe.remove();
  }
}

/** Opens one, and waits until it is. */
function stream(url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers, agent: false }, (res) => {
      res.on('error', () => undefined);
      res.resume();
      if (res.statusCode === 200 && res.headers['content-type'] === 'text/event-stream') resolve(req);
      else reject(new Error(`A stream was answered with ${res.statusCode}`));
    });
    req.on('error', reject);
    req.end(body);
  });
}

async function several(count, make) {
  const made = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const these = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => make(from + at));
    made.push(...(await Promise.all(these)));
  }
  return made;
}
