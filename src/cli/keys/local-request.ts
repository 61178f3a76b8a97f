import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { LocalAccess } from '../../auth/index.js';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_CHARS = 16_000_000;

/** What is asked of the server of this machine. */
export interface LocalQuestion {
  readonly method: string;
  readonly path: string;
  /** JSON. */
  readonly body?: string | undefined;
}

/**
 * Asks the server that left its access in the state folder. Nothing is said before it has shown the very certificate of
 * its own settings: names and authorities say nothing of a server that is reached by its loopback address.
 * @throws Error it does not answer, or is not the one
 */
export async function askLocal(
  access: LocalAccess,
  { method, path, body }: LocalQuestion,
): Promise<{ readonly status: number; readonly text: string }> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const socket = await connected(access, signal);
  try {
    const { host } = new URL(access.url);
    const req = request({
      method,
      path,
      signal,
      headers: {
        Host: host,
        Authorization: `Bearer ${access.token}`,
        'Content-Type': 'application/json',
        Connection: 'close',
      },
      createConnection: () => socket,
    });
    req.end(body);
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    return { status: res.statusCode ?? 0, text: await textOf(res) };
  } finally {
    socket.destroy();
  }
}

async function connected({ url, certificate }: LocalAccess, signal: AbortSignal): Promise<Socket> {
  const { hostname, port: given, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = Number(given || (protocol === 'https:' ? 443 : 80));
  if (certificate === undefined) {
    const socket = createConnection({ host, port });
    await once(socket, 'connect', { signal });
    return socket;
  }
  const own = new X509Certificate(await readFile(certificate));
  const socket = connect({ host, port, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal });
    if (socket.getPeerX509Certificate()?.raw.equals(own.raw) === true) return socket;
    throw new Error(`it shows another certificate than ${certificate}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function textOf(res: IncomingMessage): Promise<string> {
  let text = '';
  res.setEncoding('utf8');
  for await (const chunk of res) {
    text += String(chunk);
    if (text.length > MAX_ANSWER_CHARS) throw new Error('it answers without end');
  }
  return text;
}
