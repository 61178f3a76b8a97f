import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  get,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

const LOOK_MS = 200;
const PROBE_MS = 3_000;
const MAX_BODY_BYTES = 1_048_576;
/** Says that no replica was sent the request: nothing has begun. */
export const NOT_SENT_HEADER = 'x-rollout-check-not-sent';

/** A replica as the proxy sees it. */
interface Backend {
  readonly port: number;
  readonly carried: Set<ClientRequest>;
  isTaking: boolean;
  /** Whether it is sent nothing more, ready or not. */
  isResting: boolean;
}

/**
 * A reverse proxy of loopback as a careful operator has one: each request goes to the next replica that is ready, to
 * another where it could not be sent at all, and never twice. Who does not answer the probe is left, with whatever was
 * on its way.
 */
export class RoundRobin {
  private readonly backends = new Map<number, Backend>();
  private readonly server: Server;
  private readonly timer: NodeJS.Timeout;
  private turn = 0;

  private constructor() {
    this.server = createServer((req, res) => void this.serve(req, res).catch(() => res.destroy()));
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  static async listen(): Promise<RoundRobin> {
    const proxy = new RoundRobin();
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ports of the replicas that take requests now. */
  get taking(): readonly number[] {
    return this.able().map(({ port }) => port);
  }

  /** @returns when the replica is ready to take requests, or false when it was not so in time */
  async add(port: number, patienceMs: number): Promise<boolean> {
    const backend: Backend = { port, carried: new Set(), isTaking: false, isResting: false };
    this.backends.set(port, backend);
    for (const endsAt = performance.now() + patienceMs; performance.now() < endsAt;) {
      await this.probe(backend);
      if (backend.isTaking) return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return false;
  }

  /** Sends a replica nothing more, as Kubernetes does with a pod that is to end. */
  rest(port: number): void {
    const backend = this.backends.get(port);
    if (backend) backend.isResting = true;
  }

  remove(port: number): void {
    this.backends.delete(port);
  }

  close(): void {
    clearInterval(this.timer);
    this.server.close();
    this.server.closeAllConnections();
    for (const { carried } of this.backends.values()) for (const sent of carried) sent.destroy();
  }

  private look(): void {
    for (const backend of this.backends.values()) void this.probe(backend);
  }

  private async probe(backend: Backend): Promise<void> {
    const status = await readiness(backend.port);
    backend.isTaking = status === 'ready';
    // One that drains still answers what it has; of one that is silent nothing more can be hoped for.
    if (status === 'silent') for (const sent of backend.carried) sent.destroy(new Error('the replica is silent'));
  }

  private async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await bodyOf(req);
    for (const backend of this.inTurn()) {
      if (res.destroyed) return;
      if (await forward({ req, res, body, backend })) return;
      backend.isTaking = false;
    }
    res.writeHead(503, { [NOT_SENT_HEADER]: '1', 'Retry-After': '1' }).end();
  }

  private able(): readonly Backend[] {
    return [...this.backends.values()].filter(({ isTaking, isResting }) => isTaking && !isResting);
  }

  private inTurn(): readonly Backend[] {
    const taking = this.able();
    this.turn += 1;
    const first = taking.length === 0 ? 0 : this.turn % taking.length;
    return [...taking.slice(first), ...taking.slice(0, first)];
  }
}

interface Forwarding {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body: Buffer;
  readonly backend: Backend;
}

/** @returns whether it was sent, whatever came of it; false where the replica could not be reached at all */
function forward({ req, res, body, backend }: Forwarding): Promise<boolean> {
  return new Promise((resolve) => {
    const { port, carried } = backend;
    const headers = { ...req.headers, host: `127.0.0.1:${port}`, connection: 'close' };
    // A connection of its own each time: one that was kept may be closed as it is used.
    const sent = request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers, agent: false });
    const left = (): void => void sent.destroy();
    carried.add(sent);
    res.once('close', left);
    sent.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      res.flushHeaders();
      answer.on('error', () => res.destroy()).on('aborted', () => res.destroy());
      answer.pipe(res);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isUnsent = error.code === 'ECONNREFUSED' && !res.headersSent;
      if (!isUnsent) res.destroy();
      resolve(!isUnsent);
    });
    sent.on('close', () => {
      carried.delete(sent);
      res.off('close', left);
      resolve(true);
    });
    sent.end(body);
  });
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readiness(port: number): Promise<'ready' | 'not ready' | 'silent'> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path: '/health/ready', agent: false, timeout: PROBE_MS });
    asked.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? 'ready' : 'not ready');
    });
    asked.on('timeout', () => {
      resolve('silent');
      asked.destroy();
    });
    asked.on('error', () => resolve('not ready'));
  });
}
