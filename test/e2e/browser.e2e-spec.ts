import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import { Chromium } from '../support/chromium.js';
import { Doors } from '../support/live-doors.js';
import { initializeParams, type Json, notification, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

/** Installing Chromium takes a while, where it is not there. */
const INSTALL_MS = 300_000;
jest.setTimeout(4 * PATIENCE_MS);

/** What became of a WebSocket of a page. */
interface Talk {
  readonly protocol: string;
  readonly isOpened: boolean;
  /** Each frame that came, in order. */
  readonly heard: readonly string[];
}

/** What a page does: it runs in the browser, and sees nothing of this file. */
async function talk(plan: {
  readonly url: string;
  readonly protocols: string[];
  readonly says: readonly Json[];
  /** Answers of the page to what the server asks, by method. */
  readonly answers: Record<string, unknown>;
  readonly until: number;
}): Promise<Talk> {
  return new Promise((resolve) => {
    const socket = new WebSocket(plan.url, plan.protocols);
    const heard: string[] = [];
    let isOpened = false;
    const done = (): void => resolve({ protocol: socket.protocol, isOpened, heard });
    socket.onopen = () => {
      isOpened = true;
      for (const frame of plan.says) socket.send(JSON.stringify(frame));
    };
    socket.onclose = done;
    socket.onmessage = ({ data }) => {
      heard.push(String(data));
      const { id, method } = JSON.parse(String(data)) as { id?: unknown; method?: string };
      const result = method === undefined ? undefined : plan.answers[method];
      if (result !== undefined) socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
      if (heard.length === plan.until) socket.close(1000);
    };
  });
}

describe('S2-2 a page in Chromium', () => {
  let chromium: Chromium;
  let doors: Doors;

  beforeAll(async () => {
    chromium = await Chromium.start();
    doors = await Doors.open({
      plugins: [fixture('contract/index')],
      env: {
        MCP_CORS_ORIGINS: chromium.origin,
        MCP_AUTH_TOKENS: `page:operator:${TOKEN}`,
        MCP_RATE_LIMIT_MAX: '100000',
      },
    });
  }, INSTALL_MS);
  afterAll(async () => {
    await Promise.all([chromium.stop(), doors.dispose()]);
  });

  const opening = [
    request('open', 'initialize', initializeParams('2025-11-25', { elicitation: { form: {} } })),
    notification('notifications/initialized'),
  ];
  const bearer = `bearer.${Buffer.from(TOKEN).toString('base64url')}`;
  const inPage = async (plan: Partial<Parameters<typeof talk>[0]>): Promise<Talk> => {
    const page = await chromium.page();
    try {
      return await page.evaluate(talk, {
        url: doors.wsUrl,
        protocols: ['mcp', bearer],
        says: opening,
        answers: {},
        until: 1,
        ...plan,
      });
    } finally {
      await page.close();
    }
  };

  it('D-18 S2-8 proves itself by a sub-protocol, opens a session, lists and calls', async () => {
    const says = [
      ...opening,
      request('list', 'tools/list'),
      request('call', 'tools/call', { name: 'echo', arguments: { message: 'from a page' } }),
    ];
    const { protocol, heard } = await inPage({ url: new URL('/', doors.wsUrl).href, says, until: 3 });
    expect(protocol).toBe('mcp');
    const answers = heard.map((text) => JSON.parse(text) as { id: string; result: Json });
    expect(answers.map(({ id }) => id).sort()).toEqual(['call', 'list', 'open']);
    expect(answers.find(({ id }) => id === 'call')?.result).toEqual({
      content: [{ type: 'text', text: 'Echo: from a page' }],
    });
  });

  it('S2-8 opens a WebSocket by a ticket, once', async () => {
    const rest = new RestClient(doors.base);
    const { json } = await rest.post('/tickets', {}, { Authorization: `Bearer ${TOKEN}` });
    const protocols = ['mcp', String(json['protocol'])];
    expect((await inPage({ protocols })).heard).toHaveLength(1);
    expect((await inPage({ protocols })).isOpened).toBe(false);
  });

  it('S2-8 does not get in with nothing, nor by its URL', async () => {
    const urls = [doors.wsUrl, `${doors.wsUrl}?token=${TOKEN}`];
    for (const url of urls) expect((await inPage({ url, protocols: ['mcp'] })).isOpened).toBe(false);
  });

  it('is asked back by a tool, and answers', async () => {
    const says = [...opening, request('call', 'tools/call', { name: 'ask_form', arguments: {} })];
    const { heard } = await inPage({ says, answers: { 'elicitation/create': { action: 'decline' } }, until: 3 });
    const messages = heard.map((text) => JSON.parse(text) as Json);
    expect(messages.map(({ id, method }) => method ?? id)).toEqual(['open', 'elicitation/create', 'call']);
  });

  it('W-5 gets nowhere when its site is not listed', async () => {
    const stranger = await Doors.open({ env: { MCP_AUTH_TOKENS: `page:operator:${TOKEN}` } });
    try {
      expect(await inPage({ url: stranger.wsUrl })).toEqual({ protocol: '', isOpened: false, heard: [] });
      expect((await stranger.events('origin_rejected'))[0]).toMatchObject({ origin: chromium.origin });
    } finally {
      await stranger.dispose();
    }
  });
});
