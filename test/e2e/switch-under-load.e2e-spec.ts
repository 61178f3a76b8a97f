import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import { BuiltServer } from '../support/built-server.js';
import { request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until, within } from '../support/waiting.js';
import { bearer } from './attack-world.js';

/** How many sessions there are, each with its stream. */
const SESSIONS = Number(process.env['SWITCH_SESSIONS'] ?? 60);
/** In how many ms 99 % of them must have heard; nothing is asked where it is not given. */
const BOUND_MS = Number(process.env['SWITCH_BOUND_MS'] ?? Infinity);
const LONG_MS = 12 * PATIENCE_MS;

const OPERATOR = 'Hj7Ym2Qw9Xc4Vb8Nn5Lp1Rt6Ys3Kd0Gf';
const VIEWER = 'Nc5Lx8Rb2Vq7Kd1Tz4Wm9Pj6Hs3Gf0Yt';
const OFF = "Tool 'wait' is not enabled on this server";
/** Every fifth session does not see the tool; every tenth has a call in flight, every fourth calls again and again. */
const [UNSEEN, LONG, BUSY] = [5, 10, 4];
const IN_FLIGHT_MS = 2_000;
/** Between two calls of one busy session. */
const THINK_MS = 20;

jest.setTimeout(LONG_MS);

interface Client {
  readonly seesIt: boolean;
  readonly session: Record<string, string>;
  readonly news: NewsStream;
}

/** One call, and when it began. */
interface Called {
  readonly at: number;
  readonly text: string;
}

/** A stream of which nothing is kept but when it told of another list: so many cost the client as little as can be. */
class NewsStream {
  /** When news came, ms. */
  readonly at: number[] = [];
  private text = '';
  private tell: () => void = () => undefined;
  readonly first: Promise<void>;

  private constructor(private readonly response: IncomingMessage) {
    this.first = new Promise((resolve) => (this.tell = resolve));
    response.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('utf8');
      const count = this.text.split('"notifications/tools/list_changed"').length - 1;
      while (this.at.length < count) this.at.push(performance.now());
      if (count > 0) this.tell();
    });
    response.on('error', () => undefined);
  }

  static async open(url: string, headers: Record<string, string>): Promise<NewsStream> {
    const asked = get(url, { headers: { Accept: 'text/event-stream', ...headers }, agent: false });
    const [response] = (await within(once(asked, 'response'), 'a stream')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    return new NewsStream(response);
  }

  leave(): void {
    this.response.destroy();
  }
}

describe('switching a tool off', () => {
  let server: BuiltServer;
  let rest: RestClient;
  let http: RawHttp;
  let clients: readonly Client[];
  let lastId = 0;

  beforeAll(async () => {
    const many = String(SESSIONS * 4);
    server = await BuiltServer.start({
      plugins: [fixture('operations/index')],
      env: {
        MCP_AUTH_TOKENS: `root:admin:${TOKEN},op:operator:${OPERATOR},eye:viewer:${VIEWER}`,
        MCP_AUDIT_FILE: 'audit.jsonl',
        MCP_RATE_LIMIT_MAX: '100000',
        MCP_RATE_LIMIT_CONNECTIONS: '100000',
        MCP_TOOL_RATE_LIMIT: '100000',
        MCP_SESSION_MAX: many,
        MCP_SESSION_MAX_PER_CLIENT: many,
        MCP_SERVER_MAX_CONNECTIONS: many,
        MCP_MAX_CONNECTIONS_PER_PRINCIPAL: many,
        TOOL_WAIT_CONCURRENCY: '100',
        MCP_MAX_QUEUE: many,
      },
    });
    rest = new RestClient(server.url);
    http = new RawHttp(server.url);
    const opened: Client[] = [];
    for (let at = 0; at < SESSIONS; at++) opened.push(await open(at % UNSEEN !== 0));
    clients = opened;
  }, LONG_MS);

  afterAll(async () => {
    for (const { news } of clients) news.leave();
    await server.dispose();
  }, LONG_MS);

  async function open(seesIt: boolean): Promise<Client> {
    const { session } = await http.initialize('2025-11-25', bearer(seesIt ? OPERATOR : VIEWER));
    return { seesIt, session, news: await NewsStream.open(server.url, session) };
  }

  async function call({ session }: Client, ms: number): Promise<Called> {
    const at = performance.now();
    const { frames } = await http.post(request(++lastId, 'tools/call', { name: 'wait', arguments: { ms } }), session);
    const { result, error } = answerIn(frames);
    const [content] = (result?.['content'] ?? []) as { text: string }[];
    return { at, text: error?.message ?? content?.text ?? 'no answer' };
  }

  const running = async (): Promise<number> => {
    const { text } = await rest.get('/metrics', { ...bearer(TOKEN), Accept: 'text/plain' });
    return Number(/^mcp_tool_active_executions\{tool="wait"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  const switchTo = (isOn: boolean): Promise<unknown> =>
    rest.send('PUT', '/admin/tools/wait/state', { headers: bearer(TOKEN), body: { enabled: isOn, reason: 'a drill' } });

  it('S1-9 S1-47 a tool that is disabled under load is off for every later call, all are told, and nothing in flight is lost', async () => {
    const able = clients.filter(({ seesIt }) => seesIt);
    const inFlight = able.filter((_, at) => at % LONG === 0).map((client) => call(client, IN_FLIGHT_MS));
    await until(async () => (await running()) >= inFlight.length, 'the calls in flight');

    let isOver = false;
    const calls: Called[] = [];
    const busy = able.filter((_, at) => at % BUSY === 0);
    const load = busy.map(async (client) => {
      for (; !isOver; await pause(THINK_MS)) calls.push(await call(client, 1));
    });
    await until(() => calls.length >= 2 * busy.length, 'a load');

    const from = performance.now();
    await switchTo(false);
    const to = performance.now();
    await within(Promise.all(able.map(({ news }) => news.first)), 'the news');
    const waits = able.map(({ news }) => (news.at[0] as number) - from).sort((one, other) => one - other);
    const later = await Promise.all(able.map((client) => call(client, 1)));
    isOver = true;
    await Promise.all(load);

    // Every call is answered: before with what it is for, after with why not, and in between with the one or the other.
    expect(new Set(calls.filter(({ at }) => at > to).map(({ text }) => text))).toEqual(new Set([OFF]));
    expect(new Set(calls.map(({ text }) => text))).toEqual(new Set(['done', OFF]));
    expect(new Set(later.map(({ text }) => text))).toEqual(new Set([OFF]));
    expect((await Promise.all(inFlight)).map(({ text }) => text)).toEqual(inFlight.map(() => 'done'));

    // Whoever did not see it is told nothing, and nobody is told twice.
    await pause(200);
    const told = clients.map(({ seesIt, news }) => [seesIt, news.at.length] as const);
    expect(told.filter(([seesIt, count]) => count !== (seesIt ? 1 : 0))).toEqual([]);

    const p = (share: number): number =>
      waits[Math.min(waits.length - 1, Math.ceil(waits.length * share) - 1)] as number;
    process.stdout.write(
      `${SESSIONS} sessions, ${able.length} see the tool, ${calls.length} calls of ${busy.length}: list_changed after ` +
        `p50 ${p(0.5).toFixed(0)} ms, p99 ${p(0.99).toFixed(0)} ms, all ${p(1).toFixed(0)} ms, of which the order itself took ${(to - from).toFixed(0)} ms; ${inFlight.length} in flight, none lost\n`,
    );
    expect(p(0.99)).toBeLessThan(BOUND_MS);
  });
});
