/** Takes in bytes as they come. */
export type TextReader = (chunk: Buffer) => void;

const HEAD_END = '\r\n\r\n';
const FINAL = 0x80;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;
const MASK_BYTES = 4;
const CONTINUATION = 0;
const TEXT = 1;
const IS_CONTROL = 0x08;

/** Reads lines; empty ones are passed over. */
export function lineReader(onLine: (line: string) => void): TextReader {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = rest.subarray(0, end).toString('utf8').trim();
      rest = rest.subarray(end + 1);
      if (line !== '') onLine(line);
    }
  };
}

interface SocketFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
  /** Bytes of the whole. */
  readonly size: number;
}

/** Reads the texts that come over a WebSocket, after the head of its handshake. @see RFC 6455, section 5.2 */
export function webSocketReader(onText: (text: string) => void): TextReader {
  let rest = Buffer.alloc(0);
  let isOpen = false;
  let parts: Buffer[] = [];
  let isText = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isOpen) {
      const end = rest.indexOf(HEAD_END);
      if (end < 0) return;
      isOpen = true;
      rest = rest.subarray(end + HEAD_END.length);
    }
    for (let frame = frameIn(rest); frame; frame = frameIn(rest)) {
      rest = rest.subarray(frame.size);
      if (frame.opcode & IS_CONTROL) continue;
      if (frame.opcode !== CONTINUATION) isText = frame.opcode === TEXT;
      parts.push(frame.payload);
      if (!frame.isFinal) continue;
      const text = Buffer.concat(parts).toString('utf8');
      parts = [];
      if (isText) onText(text);
    }
  };
}

/** @returns the frame that bytes begin with; undefined while it is not whole */
function frameIn(bytes: Buffer): SocketFrame | undefined {
  const [first = 0, second = 0] = bytes;
  const short = second & LENGTH;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const isMasked = (second & MASKED) !== 0;
  const head = 2 + lengthBytes + (isMasked ? MASK_BYTES : 0);
  if (bytes.length < head) return undefined;
  const length = lengthBytes === 0 ? short : Number(BigInt(`0x${bytes.subarray(2, 2 + lengthBytes).toString('hex')}`));
  if (bytes.length < head + length) return undefined;
  const payload = Buffer.from(bytes.subarray(head, head + length));
  const mask = bytes.subarray(head - MASK_BYTES, head);
  if (isMasked) for (let at = 0; at < length; at++) payload[at] = (payload[at] ?? 0) ^ (mask[at % MASK_BYTES] ?? 0);
  return { opcode: first & OPCODE, isFinal: (first & FINAL) !== 0, payload, size: head + length };
}
