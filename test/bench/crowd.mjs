// Many connections, few of which call: no answer may be wrong or lost, nobody may hear what is not theirs, and nothing may
// be left of those who were there.
//   node test/bench/crowd.mjs [--websockets 5000] [--lines 2000] [--callers 200] [--secs 60]
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { memoryProbe } from './memory.mjs';
import { gatehouse, INITIALIZE, percentile, residentKiB, rpc, stop, up, wait } from './target.mjs';
import { encoded, listen, open } from './wire-client.mjs';

const MS = 1000;
/** Connections that are being opened at once. */
const AT_ONCE = 50;
/** Those that come and go before anything is measured: code is compiled, and pools have their sizes. */
const WARM_UP = 500;
const AIM_KIB = 12;
/** What a server may hold more than before: what its pools and caches grew by, KiB. */
const LEFT_KIB = 8 * 1024;
/** Answers that are on their way when the time is over come within this, ms. */
const LAST_MS = 10_000;

/** A client that has a session, and notes whatever it did not ask for. */
class Client {
  /** What came that nobody had asked for, or was not what had been asked for. */
  faults = [];
  times = [];
  asked = undefined;
  count = 0;
  isCalling = false;
  whenOpen = undefined;

  constructor(kind, name, socket) {
    Object.assign(this, { kind, name, socket });
    listen(kind, socket, (payload) => this.take(JSON.parse(payload.toString())));
    socket.on('error', (error) => this.faults.push(error.message));
    socket.on('close', () => this.isLeaving || this.faults.push('The server hung up'));
  }

  static async open(kind, name, port) {
    const client = new Client(kind, name, await open(kind, port));
    const opened = new Promise((resolve) => (client.whenOpen = resolve));
    client.say(INITIALIZE);
    await opened;
    client.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return client;
  }

  say(message) {
    this.socket.write(encoded(this.kind, message));
  }

  call() {
    const id = ++this.count + 1;
    const text = `${this.name} asks ${id}`;
    this.asked = { id, text, at: performance.now() };
    this.say(rpc(id, 'tools/call', { name: 'echo', arguments: { message: text } }));
  }

  take({ id, result, error }) {
    if (this.whenOpen) {
      if (error) this.faults.push(error.message);
      this.whenOpen();
      this.whenOpen = undefined;
      return;
    }
    const { asked } = this;
    this.asked = undefined;
    if (asked === undefined || id !== asked.id || result?.content?.[0]?.text !== `Echo: ${asked.text}`) {
      this.faults.push(`${this.name} heard ${JSON.stringify({ id, result, error })}, and waits for ${asked?.id}`);
      return;
    }
    this.times.push(performance.now() - asked.at);
    if (this.isCalling) this.call();
  }

  leave() {
    this.isLeaving = true;
    this.socket.destroy();
  }
}

const { values } = parseArgs({
  options: {
    websockets: { type: 'string', default: '5000' },
    lines: { type: 'string', default: '2000' },
    callers: { type: 'string', default: '200' },
    secs: { type: 'string', default: '60' },
  },
});
const size = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
// Below those that the system gives to clients, of which there are thousands.
const port = 20_000 + Math.floor(Math.random() * 11_000);
const ports = { websocket: port, tcp: port + 1 };

const probe = memoryProbe();
const child = start();
try {
  await up(`http://127.0.0.1:${port}/mcp`, child);
  process.exitCode = (await prove()) ? 0 : 1;
} finally {
  await stop(child);
  probe.remove();
}

function start() {
  const most = String(size.websockets + size.lines + WARM_UP);
  return gatehouse(port, {
    args: ['--transport', 'tcp', '--tcp-port', String(ports.tcp)],
    nodeArgs: probe.nodeArgs,
    env: {
      ...probe.env,
      MCP_SESSION_MAX: '100000',
      MCP_SERVER_MAX_CONNECTIONS: most,
      MCP_WS_MAX_CONNECTIONS: most,
      MCP_TCP_MAX_CONNECTIONS: most,
      MCP_RATE_LIMIT_CONNECTIONS: '1000000',
      MCP_LOG_LEVEL: 'error',
    },
  });
}

async function prove() {
  for (const kind of ['websocket', 'tcp']) for (const client of await crowd(kind, WARM_UP)) client.leave();
  const before = await settled();
  const sockets = await crowd('websocket', size.websockets);
  const idle = await held();
  const lines = await crowd('tcp', size.lines);
  const all = [...sockets, ...lines];
  const perSocket = (idle.resident - before.resident) / sockets.length;
  const perHeap = (idle.inUse - before.inUse) / sockets.length;
  console.log(`${sockets.length} WebSockets and ${lines.length} TCP connections, each with a session:`);
  const said = [
    verdict(
      perSocket <= AIM_KIB,
      `an idle WebSocket       ${perSocket.toFixed(2)} KiB resident (aim ${AIM_KIB}), ${perHeap.toFixed(2)} in use`,
    ),
    await calls(callersOf(sockets, lines), all),
  ];
  for (const client of all) client.leave();
  const after = await settled(before.descriptors);
  said.push(
    verdict(
      after.descriptors <= before.descriptors,
      `descriptors             ${before.descriptors} before, ${after.descriptors} after`,
    ),
    verdict(
      after.inUse - before.inUse <= LEFT_KIB,
      `memory in use           ${mib(before.inUse)} MiB before, ${mib(after.inUse)} MiB after; ` +
        `resident ${mib(before.resident)} and ${mib(after.resident)} MiB`,
    ),
  );
  return said.every(Boolean);
}

/** Lets some call for as long as is said, while the others only listen. */
async function calls(callers, all) {
  for (const client of callers) {
    client.isCalling = true;
    client.call();
  }
  await wait(size.secs * MS);
  for (const client of callers) client.isCalling = false;
  for (let waited = 0; waited < LAST_MS && callers.some(({ asked }) => asked); waited += 50) await wait(50);
  const lost = callers.filter(({ asked }) => asked).length;
  const faults = all.flatMap((client) => client.faults);
  for (const fault of faults.slice(0, 5)) console.log(`    ${fault}`);
  const times = callers.flatMap((client) => client.times).sort((a, b) => a - b);
  const latency = `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`;
  return verdict(
    lost === 0 && faults.length === 0 && callers.every(({ times: own }) => own.length > 0),
    `${callers.length} of them call for ${size.secs} s  ${times.length} answers, ${lost} lost, ${faults.length} wrong; ${latency}`,
  );
}

function verdict(isMet, text) {
  console.log(`  ${text}${isMet ? '' : '  MISSED'}`);
  return isMet;
}

/** Some of both, as many of each as there are. */
function callersOf(sockets, lines) {
  const ofSockets = Math.round((size.callers * sockets.length) / (sockets.length + lines.length));
  return [...sockets.slice(0, ofSockets), ...lines.slice(0, size.callers - ofSockets)];
}

async function crowd(kind, count) {
  const clients = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const several = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) =>
      Client.open(kind, `${kind} ${from + at}`, ports[kind]),
    );
    clients.push(...(await Promise.all(several)));
  }
  return clients;
}

/** What is held once everybody who left is gone. @param descriptors how many there are then, where that is known */
async function settled(descriptors) {
  for (let tries = 0; tries < 100; tries++) {
    await wait(100);
    if (descriptors === undefined ? tries > 20 : descriptorsOf() <= descriptors) break;
  }
  return held();
}

async function held() {
  const inUse = await probe.ask(child);
  return { inUse, resident: residentKiB(child.pid), descriptors: descriptorsOf() };
}

function descriptorsOf() {
  return readdirSync(`/proc/${child.pid}/fd`).length;
}

function mib(kib) {
  return (kib / 1024).toFixed(1);
}
