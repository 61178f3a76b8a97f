// Clients of WebSocket and of lines that cost next to nothing: sockets, and bytes that were made beforehand.
import { once } from 'node:events';
import { connect } from 'node:net';

const MASK = Buffer.from([1, 2, 3, 4]);
const FINAL = 0x80;
const MASKED = 0x80;
const TEXT = 1;
const PING = 9;
const PONG = 10;
const MAX_SHORT = 125;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

/** Opens a socket, and a WebSocket on it where a path is given. @returns it, when messages may be sent */
export async function open(kind, port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  if (kind === 'websocket') await upgrade(socket, port);
  return socket;
}

async function upgrade(socket, port) {
  const head = [
    'GET /ws HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mcp',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  const text = answer.toString('latin1');
  if (!/^HTTP\/1\.1 101 .*\r\n\r\n$/s.test(text)) throw new Error(`No WebSocket: ${text}`);
}

/** A message as it goes over the wire. */
export function encoded(kind, message) {
  const payload = Buffer.from(JSON.stringify(message));
  return kind === 'tcp' ? Buffer.concat([payload, Buffer.from('\n')]) : frameOf(TEXT, payload);
}

function frameOf(opcode, payload) {
  const { length } = payload;
  const first = FINAL | opcode;
  const head = length <= MAX_SHORT ? [first, MASKED | length] : [first, MASKED | TWO_BYTES, length >> 8, length & 0xff];
  const masked = payload.map((byte, at) => byte ^ MASK[at % MASK.length]);
  return Buffer.concat([Buffer.from(head), MASK, masked]);
}

/** Has what comes to a socket cut into messages, and pings answered. @param take is given the text of each */
export function listen(kind, socket, take) {
  const cut = kind === 'tcp' ? cutLine : cutFrame;
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let found = cut(rest); found !== undefined; found = cut(rest)) {
      rest = rest.subarray(found.end);
      if (found.opcode === TEXT) take(found.payload);
      else if (found.opcode === PING) socket.write(frameOf(PONG, found.payload));
    }
  });
}

function cutLine(bytes) {
  const at = bytes.indexOf(10);
  return at < 0 ? undefined : { payload: bytes.subarray(0, at), end: at + 1, opcode: TEXT };
}

function cutFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const start = short === TWO_BYTES ? 4 : short === EIGHT_BYTES ? 10 : 2;
  if (bytes.length < start) return undefined;
  const length = start === 4 ? bytes.readUInt16BE(2) : start === 10 ? Number(bytes.readBigUInt64BE(2)) : short;
  const end = start + length;
  return bytes.length < end ? undefined : { payload: bytes.subarray(start, end), end, opcode: bytes[0] & 0x0f };
}
