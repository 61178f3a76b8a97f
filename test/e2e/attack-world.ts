import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Doors } from '../support/live-doors.js';
import type { ServerOptions } from '../support/built-server.js';
import { type Message, request } from '../support/messages.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { type RestAnswer, RestClient } from '../support/rest-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

export const LONG_MS = 6 * PATIENCE_MS;

/** The doors of the network that ask who comes. */
export const NETWORK_DOORS = ['http', 'rest', 'sse', 'websocket', 'tcp'] as const;
export type NetworkDoor = (typeof NETWORK_DOORS)[number];

/** What a stranger gets who knocks: a status where the door has one, and why. */
export interface Refused {
  readonly status: number | undefined;
  readonly kind: unknown;
  readonly message: unknown;
}

/** What is open as long as its credential is good. */
export interface Held {
  readonly door: string;
  readonly closed: Promise<unknown>;
  readonly leave: () => unknown;
}

export const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { Authorization: `Bearer ${token}` };

/** The built program with every door open, told to ask who comes; and whoever comes. */
export class AttackWorld {
  private constructor(
    readonly doors: Doors,
    readonly rest: RestClient,
    readonly http: RawHttp,
  ) {}

  static async open({ env = {}, ...more }: ServerOptions): Promise<AttackWorld> {
    const roomy = { MCP_RATE_LIMIT_MAX: '100000', MCP_RATE_LIMIT_REST: '100000', MCP_LOG_LEVEL: 'debug' };
    const doors = await Doors.open({ ...more, env: { ...roomy, MCP_AUDIT_FILE: 'audit.jsonl', ...env } });
    return new AttackWorld(doors, new RestClient(doors.server.url), new RawHttp(doors.server.url));
  }

  /** Asks by REST, as whoever has a token, and as no form of another site can. */
  as(token: string | undefined, method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const headers = { 'X-Requested-With': 'test', ...bearer(token) };
    return this.rest.send(method, path, { headers, ...(body !== undefined && { body }) });
  }

  /** @returns how a door refuses a token; undefined where it lets its holder in */
  knock(door: NetworkDoor, token: string | undefined): Promise<Refused | undefined> {
    return KNOCKS[door](this, token);
  }

  /** Opens what lives longer than a request, at every door that has such: it ends when the token does. */
  async hold(token: string): Promise<readonly Held[]> {
    const { session } = await this.http.initialize('2025-11-25', bearer(token));
    const stream = await this.http.stream(session);
    const sse = await new RawHttp(this.doors.sseUrl).stream(bearer(token));
    const socket = await this.doors.webSocket({ headers: bearer(token) });
    const byTicket = await this.doors.webSocket({ protocols: ['mcp', await this.ticket(token)] });
    const lines = await this.doors.lines();
    await lines.request('auth', 'authenticate', { token });
    await sse.said(/^event: endpoint\n/);
    if (stream.status !== 200) throw new Error(`The stream was refused with ${stream.status}`);
    return [
      { door: 'http stream', closed: stream.closed, leave: () => stream.leave() },
      { door: 'sse', closed: sse.closed, leave: () => sse.leave() },
      { door: 'websocket', closed: socket.closed, leave: () => socket.close() },
      { door: 'websocket by ticket', closed: byTicket.closed, leave: () => byTicket.close() },
      { door: 'tcp', closed: lines.ended, leave: () => lines.leave() },
    ];
  }

  /** The sub-protocol for one WebSocket. */
  async ticket(token: string): Promise<string> {
    return String((await this.as(token, 'POST', '/tickets', {})).json['protocol']);
  }

  /** All that the server has written: logs, audit, and whatever is in its state folder, but for the local credential. */
  async written(): Promise<string> {
    const { server } = this.doors;
    const names = await readdir(server.stateDir, { recursive: true, withFileTypes: true });
    const files = names.filter((each) => each.isFile() && each.name !== 'admin.token');
    const texts = await Promise.all(files.map((each) => readFile(join(each.parentPath, each.name), 'utf8')));
    return [server.stderr, server.stdout, ...texts].join('\n');
  }

  dispose(): Promise<void> {
    return this.doors.dispose();
  }
}

type KnockAt = (world: AttackWorld, token: string | undefined) => Promise<Refused | undefined>;

const PING = request('knock', 'ping');

const KNOCKS: Readonly<Record<NetworkDoor, KnockAt>> = {
  http: async ({ http }, token) => {
    const { status, frames } = await http.post(PING, bearer(token));
    return refusedBy(status, answerIn(frames));
  },
  rest: async (world, token) => {
    const { status, json } = await world.as(token, 'GET', '/tools');
    return status === 200 ? undefined : { status, kind: json['kind'], message: json['detail'] };
  },
  sse: async ({ doors }, token) => {
    const stream = await new RawHttp(doors.sseUrl).stream(bearer(token));
    if (stream.status === 200) return void (await stream.leave());
    await stream.closed;
    return refusedBy(stream.status, JSON.parse(stream.text) as Message);
  },
  websocket: async ({ doors }, token) => {
    const outcome = await RawWebSocket.attempt(doors.wsUrl, { headers: bearer(token) });
    if (!(outcome instanceof RawWebSocket)) return refusedBy(outcome.status, outcome.body);
    await outcome.close();
    return undefined;
  },
  tcp: async ({ doors }, token) => {
    const lines = await doors.lines();
    const answer = await (token === undefined
      ? lines.request('knock', 'ping')
      : lines.request('knock', 'authenticate', { token }));
    lines.leave();
    return refusedBy(undefined, answer);
  },
};

/** What is wrong with a request, other than who sends it, says that its sender was let in. */
const OF_CALLERS: ReadonlySet<unknown> = new Set(['auth_required', 'auth_failed', 'auth_unavailable', 'blocked']);

function refusedBy(status: number | undefined, { error }: Message): Refused | undefined {
  const kind = error?.data?.['kind'];
  return OF_CALLERS.has(kind) ? { status, kind, message: error?.message } : undefined;
}
