import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { type Json, type Message, modernHeaders, request } from '../../support/messages.js';
import { RawHttp, type RawStream } from '../../support/raw-http.js';
import { modernRequest } from '../../support/raw-modern.js';
import { type HttpSession, resultOf } from '../../support/raw-session.js';
import { until } from '../../support/waiting.js';
import type { SpecRevision } from '../../support/wire/spec-schema.js';
import { type Behaviour, since, textOf } from './behaviour.js';

/** Sessions of one revision over Streamable HTTP. */
export interface StreamSubject {
  readonly revision: SpecRevision;
  /** Of the endpoint. */
  readonly url: string;
  readonly open: () => Promise<HttpSession>;
}

export interface StreamBehaviour extends Behaviour<StreamSubject> {
  readonly where?: (cell: { readonly revision: SpecRevision }) => boolean;
}

const PLAIN = 'contract://plain';

function tool(session: HttpSession, name: string, args: Json): Promise<Json> {
  return resultOf(session, 'tools/call', { name, arguments: args });
}

/** A call that says where it is, and waits until it is let go. */
function waiting(id: string, mark: string, name = 'wait_here'): Json {
  return request(id, 'tools/call', { name, arguments: { mark }, _meta: { progressToken: mark } });
}

const isProgress = (step: number) => (message: Message) => message.params?.['progress'] === step;
const isAnswerTo = (id: string) => (message: Message) => message.method === undefined && message.id === id;
const isUpdate = ({ method }: Message): boolean => method === 'notifications/resources/updated';
const lastId = (stream: RawStream): string => stream.eventIds.at(-1) ?? '';

/** Changes a resource, of which a stream tells. */
async function tells(session: HttpSession, stream: RawStream): Promise<void> {
  const { length } = stream.messages;
  await tool(session, 'change_resource', { uri: PLAIN });
  await until(() => stream.messages.length > length, 'the stream to tell of the change');
  expect(stream.messages).toHaveLength(length + 1);
}

/** Changes a resource until a stream has told of it: where another has gone, the server may see that late. */
async function heard(session: HttpSession, stream: RawStream): Promise<void> {
  await until(async () => {
    await tool(session, 'change_resource', { uri: PLAIN });
    return stream.messages.some(isUpdate);
  }, 'the stream to tell of a change');
}

export const STREAMS: readonly StreamBehaviour[] = [
  {
    name: 'every message of a stream has an id, and no id comes twice in a session',
    spec: 'basic/transports, Resumability and Redelivery; DESIGN D-6',
    run: async ({ open }) => {
      const session = await open();
      const marks = ['one', 'two'].map((name) => `${name} ${randomUUID()}`);
      const streams = await Promise.all(marks.map((mark) => session.openStream(waiting(mark, mark))));
      for (const mark of marks) await tool(session, 'let_go', { mark });
      await Promise.all(streams.map((stream) => stream.closed));
      const ids = streams.flatMap((stream) => stream.eventIds);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { messages, eventIds } of streams) expect(eventIds.length).toBeGreaterThanOrEqual(messages.length);
    },
  },
  {
    name: 'the first event of a stream is an empty one to come back to, where clients know what to do with it',
    spec: 'basic/transports, Sending Messages to the Server (SEP-1699)',
    run: async ({ open, revision }) => {
      const session = await open();
      const mark = randomUUID();
      const stream = await session.openStream(waiting('first', mark));
      await stream.message(isProgress(1), 'the first progress');
      if (since('2025-11-25')({ revision })) expect(stream.text).toMatch(/^id: \S+\ndata: \n\n/);
      else expect(stream.text).toMatch(/^id: \S+\nevent: message\ndata: \{/);
      await tool(session, 'let_go', { mark });
      await stream.closed;
    },
  },
  {
    name: 'D-3 an answer whose connection broke is fetched by Last-Event-ID: what was missed, once, in order',
    spec: 'basic/transports, Resumability and Redelivery',
    run: async ({ open }) => {
      const session = await open();
      const mark = randomUUID();
      const broken = await session.openStream(waiting('broken', mark));
      await broken.message(isProgress(1), 'the first progress');
      await broken.leave();
      await tool(session, 'let_go', { mark });
      const again = await session.stream(lastId(broken));
      const answer = await again.message(isAnswerTo('broken'), 'the answer');
      expect(textOf(answer.result ?? {})).toBe(`waited for ${mark}`);
      await again.closed;
      expect(again.messages.map(({ params }) => params?.['progress'])).toEqual([2, undefined]);
      // What was fetched can be fetched again, from anywhere on.
      const third = await session.stream(again.eventIds[0]);
      await third.closed;
      expect(third.messages).toEqual([answer]);
    },
  },
  {
    name: 'a server that sends its client away answers it when it comes back',
    spec: 'basic/transports, Sending Messages to the Server (SEP-1699)',
    where: since('2025-11-25'),
    run: async ({ open }) => {
      const session = await open();
      const mark = randomUUID();
      const first = await session.openStream(waiting('polled', mark, 'wait_away'));
      await first.closed;
      expect(first.text).toMatch(/^retry: \d+$/m);
      expect(first.messages.map(({ params }) => params?.['progress'])).toEqual([1]);
      const second = await session.stream(lastId(first));
      await tool(session, 'let_go', { mark });
      expect(await second.message(isAnswerTo('polled'), 'the answer')).toBeDefined();
      await second.closed;
      expect(second.messages.map(({ params }) => params?.['progress'])).toEqual([2, undefined]);
    },
  },
  {
    name: 'of several streams of a session, each message comes on one',
    spec: 'basic/transports, Multiple Connections',
    run: async ({ open }) => {
      const session = await open();
      await resultOf(session, 'resources/subscribe', { uri: PLAIN });
      const [one, two] = [await session.stream(), await session.stream()];
      for (const _change of [1, 2]) await tells(session, two);
      expect(one.messages).toEqual([]);
      // Where the newest has gone, the other tells.
      await two.leave();
      await heard(session, one);
      await one.leave();
    },
  },
  {
    name: 'a stream of the session goes on from Last-Event-ID with what was missed, and no other stream does',
    spec: 'basic/transports, Resumability and Redelivery; DESIGN D-6',
    run: async ({ open }) => {
      const [session, other] = [await open(), await open()];
      await resultOf(session, 'resources/subscribe', { uri: PLAIN });
      const stream = await session.stream();
      await tells(session, stream);
      await stream.leave();
      const seen = lastId(stream);
      await tool(session, 'change_resource', { uri: PLAIN });
      // Somebody else who knows the id gets a stream of their own, and nothing of this one.
      const foreign = await other.stream(seen);
      await resultOf(other, 'resources/subscribe', { uri: 'contract://object' });
      await until(async () => {
        await tool(other, 'change_resource', { uri: 'contract://object' });
        return foreign.messages.some(isUpdate);
      }, 'a stream of its own');
      expect(JSON.stringify(foreign.messages)).not.toContain(PLAIN);
      await foreign.leave();
      const again = await session.stream(seen);
      const missed = await again.message(isUpdate, 'the change that was missed');
      expect(missed.params).toEqual({ uri: PLAIN });
      await again.leave();
    },
  },
  {
    name: 'a GET carries no answers but those of the stream that it resumes',
    spec: 'basic/transports, Listening for Messages from the Server',
    run: async ({ open }) => {
      const session = await open();
      const stream = await session.stream();
      await resultOf(session, 'resources/subscribe', { uri: PLAIN });
      await tells(session, stream);
      expect(stream.messages.filter(({ method }) => method === undefined)).toEqual([]);
      await stream.leave();
    },
  },
];

/** What 2026-07-28 makes of it. */
export const WITHOUT_SESSIONS: readonly Behaviour<{ readonly url: string }>[] = [
  {
    name: 'D-1 the headers of sessions mean nothing, are not sent back, and events have no ids',
    spec: 'basic/transports/streamable-http, Earlier Streamable HTTP Revisions',
    run: async ({ url }) => {
      const http = new RawHttp(url);
      const frame = modernRequest(
        'tools/call',
        { name: 'count', arguments: { mark: 'm' } },
        { meta: { progressToken: 1 } },
      );
      const headers = { ...modernHeaders(frame), 'Mcp-Session-Id': 'of nobody', 'Last-Event-ID': 'nothing-1' };
      const answer = await http.post(frame, headers);
      expect(answer.status).toBe(200);
      expect([...answer.headers.keys()].filter((name) => name.startsWith('mcp-'))).toEqual([]);
      expect(answer.text).not.toMatch(/^id:/m);
      expect(answer.frames).toHaveLength(4);
    },
  },
  {
    name: 'a stream is not to be kept back by what stands between',
    spec: 'basic/transports/streamable-http, Receiving Messages',
    run: async ({ url }) => {
      const frame = modernRequest('tools/call', { name: 'log_all', arguments: {} }, { logLevel: 'info' });
      const { headers } = await new RawHttp(url).post(frame, modernHeaders(frame));
      expect(headers.get('content-type')).toBe('text/event-stream');
      expect(headers.get('x-accel-buffering')).toBe('no');
      expect(headers.get('cache-control')).toMatch(/no-cache/);
    },
  },
  {
    name: 'what a client notifies of is taken, and let go',
    spec: 'basic/transports/streamable-http, Sending Messages',
    run: async ({ url }) => {
      const frame = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'any' } };
      const { status, text } = await new RawHttp(url).post(frame, { 'MCP-Protocol-Version': '2026-07-28' });
      expect([status, text]).toEqual([202, '']);
    },
  },
  {
    name: 'headers that repeat arguments are held against them, in whichever case and form they come',
    spec: 'basic/transports/streamable-http, Custom Headers from Tool Parameters; Value Encoding',
    run: async ({ url }) => {
      const args = { region: 'Région "ö"', shard: 42, deep: { dry: false }, query: 'q' };
      const frame = modernRequest('tools/call', { name: 'routed', arguments: args });
      const region = `=?base64?${Buffer.from(args.region).toString('base64')}?=`;
      const given = { 'mcp-param-region': region, 'MCP-PARAM-SHARD': '42.0', 'Mcp-Param-Dry-Run': 'false' };
      const { status, frames } = await new RawHttp(url).post(frame, { ...modernHeaders(frame), ...given });
      expect(status).toBe(200);
      expect(JSON.parse(textOf((frames[0] as Message).result ?? {}) ?? '')).toEqual(args);
      const bare = modernRequest('tools/call', { name: 'routed', arguments: { region: 'eu', shard: null } });
      const headers = { ...modernHeaders(bare), 'Mcp-Param-Region': 'eu', 'Mcp-Param-Unknown': 'any' };
      const [answer] = (await new RawHttp(url).post(bare, headers)).frames as [Message];
      // The argument is of no type that the tool takes: but the headers were as they should be.
      expect(answer.error).toBeUndefined();
    },
  },
];
