// Calls per second over WebSocket and TCP: a bare echo of JSON, and us, in turn, best of the rounds.
import { connect } from 'node:net';
import { gatehouse, INITIALIZE, percentile, residentKiB, rpc, script, stop, wait } from './target.mjs';
import { encoded, listen, open } from './wire-client.mjs';

const CALL = rpc(7, 'tools/call', { name: 'echo', arguments: { message: 'hello world' } });
const WARM_UP_SECS = 2;
const MS = 1000;

const servers = [
  { name: 'ws, the limit', kind: 'websocket', start: (port) => script('ws-echo.mjs', port) },
  {
    name: 'gatehouse, WebSocket',
    kind: 'websocket',
    start: (port) => gatehouse(port),
    limit: 'ws, the limit',
    aim: 60,
  },
  { name: 'node:net, the limit', kind: 'tcp', start: (port) => script('tcp-echo.mjs', port) },
  {
    name: 'gatehouse, TCP',
    kind: 'tcp',
    start: (port) => gatehouse(port + 1000, { args: ['--transport', 'tcp', '--tcp-port', String(port)] }),
    limit: 'node:net, the limit',
  },
];

export async function channels({ secs, connections, rounds, port }) {
  const best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const result = await measure(server, port++, { secs, connections });
      if (result.rate > (best.get(server.name)?.rate ?? 0)) best.set(server.name, result);
    }
  }
  console.log(`tools/call on ${connections} connections that stay, ${secs} s, best of ${rounds} rounds:`);
  for (const { name, limit, aim } of servers) {
    const { rate, p50, p99, rss } = best.get(name);
    const part = limit ? `${((rate / best.get(limit).rate) * 100).toFixed(1)} % of the limit` : '';
    console.log(
      `  ${name.padEnd(24)} ${rate.toFixed(0).padStart(7)} req/s  ${part.padStart(19)}${aim ? ` (aim ${aim})` : ''}` +
        `  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ${rss} MiB`,
    );
  }
}

async function measure({ name, kind, start }, port, { secs, connections }) {
  const child = start(port);
  const clients = [];
  try {
    await listens(port, child);
    for (let at = 0; at < connections; at++) clients.push(await caller(kind, port, name));
    await run(clients, WARM_UP_SECS);
    const { count, times } = await run(clients, secs);
    times.sort((a, b) => a - b);
    const rss = Math.round(residentKiB(child.pid) / 1024);
    return { rate: count / secs, p50: percentile(times, 0.5), p99: percentile(times, 0.99), rss };
  } finally {
    for (const { socket } of clients) socket.destroy();
    await stop(child);
  }
}

/** A client with a session, which calls again as soon as it is answered. */
async function caller(kind, port, name) {
  const socket = await open(kind, port);
  const frame = encoded(kind, CALL);
  const self = { socket, times: [], isRunning: false, call: undefined };
  let sentAt = 0;
  let opened;
  const isOpen = new Promise((resolve) => (opened = resolve));
  let probe = '';
  self.call = () => {
    sentAt = performance.now();
    socket.write(frame);
  };
  listen(kind, socket, (payload) => {
    if (opened) {
      probe = payload.toString();
      opened();
      opened = undefined;
      return;
    }
    if (!payload.includes('Echo: hello world')) throw new Error(`${name} answered ${payload.toString()}`);
    self.times.push(performance.now() - sentAt);
    if (self.isRunning) self.call();
  });
  socket.on('error', () => undefined);
  socket.write(encoded(kind, INITIALIZE));
  await isOpen;
  if (!probe.includes('"result"')) throw new Error(`${name} answered ${probe}`);
  return self;
}

async function run(clients, secs) {
  for (const client of clients) {
    client.times = [];
    client.isRunning = true;
    client.call();
  }
  await wait(secs * MS);
  const times = clients.flatMap((client) => client.times);
  for (const client of clients) client.isRunning = false;
  // The answers that are still on their way.
  await wait(100);
  return { count: times.length, times };
}

async function listens(port, child) {
  let log = '';
  child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) break;
    const isThere = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.once('close', () => resolve(false)).once('connect', () => socket.destroy());
    });
    if (isThere) return;
    await wait(50);
  }
  throw new Error(`The server does not listen: ${log}`);
}
