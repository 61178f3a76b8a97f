import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { ProtocolError } from '../../common/index.js';

/**
 * Reads a request's body as text. Time is the server's to limit (`requestTimeout`).
 * @param maxBytes >= 1
 * @throws ProtocolError message_too_large (at once where Content-Length says so), parse_error (not UTF-8),
 *   cancelled (the client left before its body was whole)
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    if (Number(req.headers['content-length']) > maxBytes) {
      reject(tooLarge(maxBytes));
      return;
    }
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        req.removeAllListeners('data');
        first = rest = undefined;
        reject(tooLarge(maxBytes));
      } else if (!first) first = chunk;
      else (rest ??= [first]).push(chunk);
    });
    req.on('end', () => {
      const body = rest ? Buffer.concat(rest) : (first ?? Buffer.alloc(0));
      if (isUtf8(body)) resolve(body.toString('utf8'));
      else reject(new ProtocolError('parse_error', 'Parse error: the body is not UTF-8'));
    });
    const onBreak = (cause?: Error): void => {
      if (!req.complete)
        reject(new ProtocolError('cancelled', 'The client left before its request was whole', { cause }));
    };
    req.on('close', onBreak);
    req.on('error', onBreak);
  });
}

function tooLarge(maxBytes: number): ProtocolError {
  return new ProtocolError('message_too_large', `Input too large: a body holds ${maxBytes} bytes at most`);
}
