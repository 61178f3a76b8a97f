import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exchange, wire, type WireResponse } from '../e2e/http-wire.js';
import { BuiltServer } from '../support/built-server.js';
import { Forger, tampered } from '../support/forger.js';
import { type Json, type Message, modernHeaders, request } from '../support/messages.js';
import { HttpModern, modernRequest, modernResult, type RawModern } from '../support/raw-modern.js';
import { HttpSession, resultOf } from '../support/raw-session.js';
import { RawHttp } from '../support/raw-http.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { WireRecord } from '../support/wire/conversation.js';
import { HttpTap } from '../support/wire/http-tap.js';
import { serverOptions, SETTINGS } from './behaviours/behaviour.js';
import { eventsOf, untilEvent } from './security-events.js';

const CAPABLE = { capabilities: { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } };
const PAST = Date.now() - 1_000;

/** Something made up, and what it is for us. To its maker it is as what never was. */
interface Forgery {
  readonly what: string;
  readonly make: () => Promise<string>;
  readonly event: string;
}

/** What a caller sees, without what is new in every answer. */
function seen({ status, headers, body }: WireResponse): unknown {
  const { date: _date, ...rest } = headers;
  const message = body === '' ? undefined : (JSON.parse(body) as Message);
  const { requestId: _id, ...data } = message?.error?.data ?? {};
  const isLong = rest['content-length'] !== undefined;
  return { status, headers: { ...rest, ...(isLong && { 'content-length': 'any' }) }, error: message?.error, data };
}

function withoutRequestId(view: unknown): unknown {
  return JSON.parse(JSON.stringify(view).replaceAll(/req-[0-9a-f-]{36}/g, 'req'));
}

describe('what was made up', () => {
  const forger = new Forger();
  const record = new WireRecord();
  let server: BuiltServer;
  let tap: HttpTap;
  let client: RawModern;

  beforeAll(async () => {
    // The end of a session is of every day, and written down for who asks for more than warnings.
    const env = { ...SETTINGS, MCP_SESSION_KEYS: forger.setting, MCP_LOG_LEVEL: 'debug' };
    server = await BuiltServer.start({ ...serverOptions(), env });
    tap = await HttpTap.open(server.url, record);
    client = new HttpModern(tap.url);
  }, PATIENCE_MS);

  afterEach(() => record.assertSound());

  afterAll(async () => {
    await tap.close();
    await server.dispose();
  }, PATIENCE_MS);

  /** Sends the one and the other, and holds what came against each other. */
  async function compared(
    forged: Forgery,
    send: (secret: string) => Promise<WireResponse>,
    never: string,
  ): Promise<Message> {
    const secret = await forged.make();
    const known = eventsOf(server.stderr).length;
    const answer = await send(secret);
    await untilEvent(() => server.stderr, known, forged.event);
    expect(JSON.stringify(eventsOf(server.stderr).slice(known))).not.toContain(secret);
    const usual = await send(never);
    expect(withoutRequestId(seen(answer))).toEqual(withoutRequestId(seen(usual)));
    return JSON.parse(answer.body) as Message;
  }

  const sessionId = async (): Promise<string> => {
    const { headers } = await new RawHttp(tap.url).initialize();
    return headers.get('mcp-session-id') ?? '';
  };

  describe('as a session id (basic/transports, Session Management; DESIGN D-8)', () => {
    const SESSIONS: readonly Forgery[] = [
      { what: 'a text of its own', make: async () => 'made-up', event: 'invalid_input' },
      { what: 'an id with a character changed', make: async () => tampered(await sessionId()), event: 'invalid_input' },
      { what: 'an id cut short', make: async () => (await sessionId()).slice(0, -4), event: 'invalid_input' },
      { what: 'an id that other keys sealed', make: async () => forger.strangeSession(), event: 'invalid_input' },
      {
        what: 'the id of somebody else',
        make: async () => forger.session({ subject: 'mallory' }),
        event: 'session_hijack_attempt',
      },
      {
        what: 'the id of somebody else of the same name',
        make: async () => forger.session({ issuer: 'https://elsewhere.example' }),
        event: 'session_hijack_attempt',
      },
      {
        what: 'an id that is too old',
        make: async () => forger.session({ issuedAt: PAST - 1, expiresAt: PAST }),
        event: 'session_expired',
      },
      {
        what: 'the id of a session that was ended',
        make: async () => {
          const { session } = await new RawHttp(tap.url).initialize();
          await new RawHttp(tap.url).delete(session);
          return session['Mcp-Session-Id'] ?? '';
        },
        event: 'session_expired',
      },
    ];
    const verbs = ['POST', 'GET', 'DELETE'].flatMap((method) => SESSIONS.map((forgery) => ({ method, ...forgery })));

    it.each(verbs)(
      '$what is not found by $method, and is $event to us',
      async ({ method, ...forgery }) => {
        const body = method === 'POST' ? { body: JSON.stringify(request('f', 'ping')) } : {};
        const send = (id: string): Promise<WireResponse> =>
          exchange(
            tap.url,
            wire(tap.url, {
              method,
              headers: { 'Mcp-Session-Id': id, Accept: 'application/json, text/event-stream' },
              ...body,
            }),
          );
        expect(await compared(forgery, send, 'never-was')).toMatchObject({
          error: { code: -32001, message: 'Session not found: initialize again', data: { kind: 'session_not_found' } },
        });
      },
      PATIENCE_MS,
    );

    it(
      'a session that other processes of the same keys might have opened is taken',
      async () => {
        const { status } = await new RawHttp(tap.url).post(request('f', 'ping'), {
          'Mcp-Session-Id': forger.session(),
        });
        expect(status).toBe(200);
      },
      PATIENCE_MS,
    );
  });

  describe('as a cursor (server/utilities/pagination)', () => {
    const cursorOf = async (method: string): Promise<string> =>
      String((await modernResult(client, method))['nextCursor']);
    const CURSORS: readonly Forgery[] = [
      { what: 'a cursor with a character changed', make: async () => tampered(await cursorOf('tools/list')) },
      { what: 'a cursor cut short', make: async () => (await cursorOf('tools/list')).slice(0, -2) },
      { what: 'a cursor of another list', make: () => cursorOf('resources/list') },
      {
        what: 'a cursor that other keys sealed',
        make: async () => forger.strange('cursor', await cursorOf('tools/list')),
      },
      {
        what: 'what was sealed for something else',
        make: async () => forger.misused('cursor', 'ticket', await cursorOf('tools/list')),
      },
    ].map((forgery) => ({ ...forgery, event: 'invalid_input' }));

    it.each(CURSORS)(
      '$what is as one that never was, in both eras, and is $event to us',
      async (forgery) => {
        const sendModern = (cursor: string): Promise<WireResponse> => {
          const frame = modernRequest('tools/list', { cursor });
          return exchange(tap.url, wire(tap.url, { body: JSON.stringify(frame), headers: modernHeaders(frame) }));
        };
        const id = await sessionId();
        const sendLegacy = (cursor: string): Promise<WireResponse> =>
          exchange(
            tap.url,
            wire(tap.url, {
              body: JSON.stringify(request('f', 'tools/list', { cursor })),
              headers: { 'Mcp-Session-Id': id },
            }),
          );
        for (const send of [sendModern, sendLegacy]) {
          expect(await compared(forgery, send, 'never-was')).toMatchObject({
            error: { code: -32602, data: { kind: 'invalid_cursor' } },
          });
        }
      },
      PATIENCE_MS,
    );
  });

  describe('as a request state (basic/patterns/mrtr, Server Requirements; DESIGN D-5)', () => {
    const ask = async (): Promise<string> =>
      String((await modernResult(client, 'tools/call', { name: 'ask_roots', arguments: {} }, CAPABLE))['requestState']);
    const call = (requestState: string, name = 'ask_roots'): Json & { readonly id: unknown } =>
      modernRequest(
        'tools/call',
        { name, arguments: {}, requestState, inputResponses: { roots: { roots: [] } } },
        CAPABLE,
      );
    const STATES: readonly Forgery[] = [
      { what: 'a state with a character changed', make: async () => tampered(await ask()) },
      { what: 'a state cut short', make: async () => (await ask()).slice(0, -4) },
      { what: 'a state that other keys sealed', make: async () => forger.strange('request-state', await ask()) },
      {
        what: 'the state of somebody else',
        make: async () =>
          forger.changed('request-state', await ask(), (state) => ({ ...state, subject: 'gatehouse\nmallory' })),
      },
      {
        what: 'a state that is too old',
        make: async () => forger.changed('request-state', await ask(), (state) => ({ ...state, expiresAt: PAST })),
      },
      {
        what: 'the state of another request',
        make: async () =>
          String(
            (await modernResult(client, 'prompts/get', { name: 'asking' }, { capabilities: { elicitation: {} } }))[
              'requestState'
            ],
          ),
      },
      {
        what: 'a state that was used up',
        make: async () => {
          const state = await ask();
          await client.send(call(state));
          return state;
        },
      },
    ].map((forgery) => ({ ...forgery, event: 'invalid_input' }));

    it.each(STATES)(
      '$what is as one that never was, and is $event to us',
      async (forgery) => {
        const send = (state: string): Promise<WireResponse> => {
          const frame = { ...call(state), id: 'f' };
          return exchange(tap.url, wire(tap.url, { body: JSON.stringify(frame), headers: modernHeaders(frame) }));
        };
        expect(await compared(forgery, send, 'never-was')).toMatchObject({
          error: { code: -32602, data: { kind: 'invalid_state' } },
        });
      },
      PATIENCE_MS,
    );
  });

  describe('as the id of a task (SEP-2663, Task Polling)', () => {
    const begin = async (): Promise<string> =>
      String((await modernResult(client, 'tools/call', { name: 'last_structured', arguments: {} }, CAPABLE))['taskId']);
    const TASKS: readonly Forgery[] = [
      { what: 'an id with a character changed', make: async () => tampered(await begin()) },
      { what: 'an id that other keys sealed', make: async () => forger.strange('task', await begin()) },
      {
        what: 'the id of a task of somebody else',
        make: async () =>
          forger.changed('task', await begin(), (task) => [
            (task as unknown as readonly string[])[0],
            'gatehouse\nmallory',
          ]),
      },
      {
        what: 'the id of a task that was forgotten',
        make: async () => forger.changed('task', await begin(), (task) => ['gone', (task as unknown as string[])[1]]),
      },
    ].map((forgery) => ({ ...forgery, event: 'invalid_input' }));
    const methods = ['tasks/get', 'tasks/update', 'tasks/cancel'];

    it.each(methods.flatMap((method) => TASKS.map((forgery) => ({ method, ...forgery }))))(
      '$what is unknown to $method, as one that never was, and is $event to us',
      async ({ method, ...forgery }) => {
        const send = (taskId: string): Promise<WireResponse> => {
          const frame = { ...modernRequest(method, { taskId, inputResponses: {} }, CAPABLE), id: 'f' };
          return exchange(tap.url, wire(tap.url, { body: JSON.stringify(frame), headers: modernHeaders(frame) }));
        };
        expect(await compared(forgery, send, 'never-was')).toMatchObject({
          error: { code: -32602, data: { kind: 'unknown_task' } },
        });
      },
      PATIENCE_MS,
    );
  });

  describe('as an answer to what nobody asked (DESIGN D-6)', () => {
    it(
      'is passed over, and is invalid_input to us',
      async () => {
        const session = await HttpSession.open(tap.url, '2025-11-25');
        const known = eventsOf(server.stderr).length;
        await session.tell({ jsonrpc: '2.0', id: 'of-nobody-1', result: { action: 'accept' } });
        expect(await untilEvent(() => server.stderr, known, 'invalid_input')).toMatchObject({
          error: 'An answer that nobody is owed',
        });
        expect(await resultOf(session, 'ping')).toEqual({});
      },
      PATIENCE_MS,
    );
  });
});
