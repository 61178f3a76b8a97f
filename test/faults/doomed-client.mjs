// A client in a process of its own, to be killed while it waits for what it asked for.
//   node doomed-client.mjs websocket|tcp|sse|http|stdio <where> <frames, JSON, the last one the call>
// `where` is a URL, a port, or the command that serves stdio, as JSON. Over HTTP each frame has its headers: [body, headers].
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const [door, where, json] = process.argv.slice(2);
const frames = JSON.parse(json);

/** Sends one after the other, each when the one before it was answered. */
function inOrder(send, onAnswer) {
  const next = () => frames.length > 0 && send(frames.shift());
  onAnswer(next);
  next();
}

const post = (url, [body, headers]) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
    body: JSON.stringify(body),
  });

const doors = {
  websocket() {
    const ws = new WebSocket(where, ['mcp']);
    ws.on('open', () =>
      inOrder(
        (frame) => ws.send(JSON.stringify(frame)),
        (next) => ws.on('message', next),
      ),
    );
  },
  tcp() {
    const socket = connect(Number(where), '127.0.0.1');
    inOrder(
      (frame) => socket.write(`${JSON.stringify(frame)}\n`),
      (next) => createInterface({ input: socket }).on('line', next),
    );
  },
  async sse() {
    const { body } = await fetch(where, { headers: { Accept: 'text/event-stream' } });
    let text = '';
    let endpoint;
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString();
      if (!endpoint) endpoint = /^event: endpoint\ndata: (\S+)\n\n/.exec(text)?.[1];
      if (endpoint && frames.length > 0 && text.endsWith('\n\n')) void post(new URL(endpoint, where), [frames.shift()]);
    }
  },
  async http() {
    for (const frame of frames) await (await post(where, frame)).text();
  },
  stdio() {
    const [command, ...args] = JSON.parse(where);
    const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    console.log(server.pid);
    inOrder(
      (frame) => server.stdin.write(`${JSON.stringify(frame)}\n`),
      (next) => createInterface({ input: server.stdout }).on('line', next),
    );
  },
};
await doors[door]();
