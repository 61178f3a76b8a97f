import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { initializeParams, type Json, type Message, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { answerIn, type HttpAnswer, RawHttp } from '../support/raw-http.js';
import { PATIENCE_MS } from '../support/waiting.js';

const LONG_MS = 2 * PATIENCE_MS;

type Headers = Readonly<Record<string, string>>;

const ping = request('p', 'ping');
const call = (name: string, args: Json = {}): Json => request(randomUUID(), 'tools/call', { name, arguments: args });

describe('sessions over HTTP', () => {
  let server: BuiltServer;
  let other: BuiltServer;
  let http: RawHttp;

  beforeAll(async () => {
    const options = {
      flags: ['--log-level', 'debug'],
      plugins: [fixture('contract/index')],
      env: { MCP_KEEP_ALIVE_INTERVAL_MS: '1000', MCP_RATE_LIMIT_MAX: '100000' },
    };
    [server, other] = await Promise.all([BuiltServer.start(options), BuiltServer.start()]);
    http = new RawHttp(server.url);
  }, PATIENCE_MS);

  afterAll(async () => {
    await Promise.all([server.dispose(), other.dispose()]);
  }, PATIENCE_MS);

  describe('opening', () => {
    it('D-7 gives an id of visible ASCII, at most 1,024 characters, another one each time', async () => {
      const ids = new Set<string>();
      for (let at = 0; at < 5; at++) {
        const { status, headers } = await http.initialize();
        expect(status).toBe(200);
        ids.add(headers.get('mcp-session-id') ?? '');
      }
      expect(ids.size).toBe(5);
      for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{1,1024}$/);
    });

    it('D-8 refuses an initialize that carries a session header, good or not', async () => {
      const { session } = await http.initialize();
      for (const headers of [session, { 'Mcp-Session-Id': 'anything' }]) {
        const {
          status,
          frames,
          headers: answered,
        } = await http.post(request(1, 'initialize', initializeParams('2025-11-25')), headers);
        expect(status).toBe(400);
        expect(answerIn(frames)).toMatchObject({ error: { code: -32600, data: { kind: 'already_initialized' } } });
        expect(answered.has('mcp-session-id')).toBe(false);
      }
      expect((await http.post(ping, session)).status).toBe(200);
    });

    it('gives no session id where initialize is refused', async () => {
      const { status, headers, frames } = await http.post(request(1, 'initialize', {}));
      expect([status, headers.has('mcp-session-id')]).toEqual([200, false]);
      expect(answerIn(frames)).toMatchObject({ error: { code: -32602 } });
    });

    it('refuses a request, a GET and a DELETE without a session with 400', async () => {
      const stream = await http.stream({});
      expect(stream.status).toBe(400);
      await stream.leave();
      for (const answer of [await http.post(ping), await http.delete({})]) {
        expect(answer.status).toBe(400);
        expect(answerIn(answer.frames)).toMatchObject({ error: { code: -32000, data: { kind: 'session_required' } } });
      }
    });

    it('refuses a revision header that names no revision with 400', async () => {
      const { session } = await http.initialize();
      for (const revision of ['1.0', '2099-01-01', '']) {
        const { status, frames } = await http.post(ping, { ...session, 'MCP-Protocol-Version': revision });
        expect(status).toBe(400);
        expect(answerIn(frames).error?.data).toMatchObject({ kind: 'unsupported_revision' });
      }
    });
  });

  describe('ending', () => {
    it(
      'DELETE ends it for good: over a restart, too',
      async () => {
        const [ended, kept] = [await http.initialize(), await http.initialize()];
        expect(await http.delete(ended.session)).toMatchObject({ status: 204, text: '' });
        expect((await http.post(ping, ended.session)).status).toBe(404);
        expect((await http.delete(ended.session)).status).toBe(404);
        await server.restart('SIGKILL');
        expect((await http.post(ping, ended.session)).status).toBe(404);
        expect((await http.post(ping, kept.session)).status).toBe(200);
      },
      LONG_MS,
    );

    it(
      'D-8 answers a session that is ended, forged, cut, of another server, or no id at all alike',
      async () => {
        const { session } = await http.initialize();
        const id = session['Mcp-Session-Id'] ?? '';
        const ended = await http.initialize();
        await http.delete(ended.session);
        const foreign = await new RawHttp(other.url).initialize();
        const flipped = `${id.slice(0, 20)}${id[20] === 'A' ? 'B' : 'A'}${id.slice(21)}`;
        const ids = [
          ended.session['Mcp-Session-Id'],
          foreign.session['Mcp-Session-Id'],
          flipped,
          id.slice(0, -1),
          id.slice(0, id.length / 2),
          `${id}A`,
          `${id}${id}`,
          randomUUID(),
          'x',
          '!'.repeat(1_024),
          'A'.repeat(4_096),
        ] as const;
        const answers: string[] = [];
        for (const forged of ids) {
          const headers: Headers = { 'Mcp-Session-Id': forged ?? '' };
          const stream = await http.stream(headers);
          const [posted, deleted] = [await http.post(ping, headers), await http.delete(headers)];
          expect([posted.status, deleted.status, stream.status]).toEqual([404, 404, 404]);
          await stream.leave();
          answers.push(withoutId(posted), withoutId(deleted));
        }
        expect(new Set(answers)).toEqual(
          new Set([
            JSON.stringify({
              error: {
                code: -32001,
                message: 'Session not found: initialize again',
                data: { kind: 'session_not_found' },
              },
            }),
          ]),
        );
        expect((await http.post(ping, session)).status).toBe(200);
      },
      LONG_MS,
    );

    it('S3-6 DELETE cancels what runs in it, and nothing of another session', async () => {
      const [leaving, staying] = [await http.initialize(), await http.initialize()];
      const [mark, otherMark] = [randomUUID(), randomUUID()];
      const cancelled = http.post(call('wait_for_abort', { mark }), leaving.session);
      const going = request('going', 'tools/call', { name: 'wait_for_abort', arguments: { mark: otherMark } });
      const untouched = http.post(going, staying.session);
      for (const started of [mark, otherMark]) await http.post(call('start_of', { mark: started }), staying.session);
      await http.delete(leaving.session);
      expect(textOf(await http.post(call('abort_of', { mark }), staying.session))).toMatch(
        /^Cancelled: the session ended/,
      );
      expect((await cancelled).text).not.toContain('nobody waits');
      await server.said(/requests_cancelled[\\":,\w]+count[\\":]+1\b/);
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'going' } };
      expect((await http.post(cancel, staying.session)).status).toBe(202);
      expect((await untouched).frames.filter((frame) => 'result' in frame)).toEqual([]);
    });

    it('D-3 a client that only breaks its connection cancels nothing', async () => {
      const { session } = await http.initialize();
      const mark = randomUUID();
      const left = new AbortController();
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...session },
        body: JSON.stringify(request('left', 'tools/call', { name: 'wait_for_abort', arguments: { mark } })),
        signal: left.signal,
      });
      // The headers are here, so the call runs.
      const body = response.text();
      left.abort();
      await expect(body).rejects.toThrow();
      // The call still runs under its id: nobody may take that.
      const [again] = (await http.post(request('left', 'ping'), session)).frames as [Message];
      expect(again.error?.data).toMatchObject({ kind: 'duplicate_request_id' });
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'left' } };
      await http.post(cancel, session);
      expect(textOf(await http.post(call('abort_of', { mark }), session))).toMatch(/by the client/);
    });
  });

  describe('the message rate', () => {
    it('S0-12, K-11 refuses message 101 of a session in a minute, and none of another session', async () => {
      const limited = new RawHttp(other.url);
      const [busy, calm] = [await limited.initialize(), await limited.initialize()];
      for (let sent = 0; sent < 100; sent++) expect((await limited.post(ping, busy.session)).status).toBe(200);
      const { status, headers, frames } = await limited.post(ping, busy.session);
      expect(status).toBe(429);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answerIn(frames)).toEqual({
        jsonrpc: '2.0',
        id: 'p',
        error: {
          code: -32000,
          message: 'Rate limit exceeded',
          data: { kind: 'rate_limited', retryAfterMs: expect.any(Number) },
        },
      });
      expect((await limited.post(ping, calm.session)).status).toBe(200);
    });
  });

  describe('the stream', () => {
    it('opens, carries keep-alive comments, and closes with its session', async () => {
      const { session } = await http.initialize();
      const stream = await http.stream(session);
      expect(stream.status).toBe(200);
      expect(stream.headers.get('content-type')).toBe('text/event-stream');
      expect(stream.headers.get('cache-control')).toMatch(/no-cache/);
      await stream.said(/: keep-alive\n\n: keep-alive\n\n/);
      await http.delete(session);
      await stream.closed;
    });

    it('leaves the session as it is when the client closes it, and may be opened again, twice at once', async () => {
      const { session } = await http.initialize();
      await (await http.stream(session)).leave();
      expect((await http.post(ping, session)).status).toBe(200);
      const [one, two] = [await http.stream(session), await http.stream(session)];
      expect([one.status, two.status]).toEqual([200, 200]);
      await Promise.all([one.leave(), two.leave()]);
    });

    it('is refused where the client does not take events', async () => {
      const { session } = await http.initialize();
      const stream = await http.stream({ ...session, Accept: 'application/json' });
      expect(stream.status).toBe(406);
      await stream.leave();
    });

    it('a call that is quiet for long is kept alive, too', async () => {
      const { session } = await http.initialize();
      const mark = randomUUID();
      const waiting = http.post(request('quiet', 'tools/call', { name: 'abort_of', arguments: { mark } }), session);
      await http.post(call('start_of', { mark: await startedWaiting(mark, session) }), session);
      // Long enough for a sweep to see it: the call ends when it is told to, after the comment was due.
      const comment = await http.stream(session);
      await comment.said(/(: keep-alive\n\n){2}/);
      await comment.leave();
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: mark } };
      await http.post(cancel, session);
      const { text, frames } = await waiting;
      expect(text).toContain(': keep-alive\n\n');
      expect(answerIn(frames).id).toBe('quiet');
    });

    /** Starts a call that waits, under its mark as id. */
    async function startedWaiting(mark: string, session: Headers): Promise<string> {
      void http.post(request(mark, 'tools/call', { name: 'wait_for_abort', arguments: { mark } }), session);
      await http.post(call('start_of', { mark }), session);
      return mark;
    }
  });
});

describe('sessions that nobody uses', () => {
  it(
    'D-24 end after the idle time, but not while a stream is open',
    async () => {
      const env = { MCP_SESSION_TIMEOUT_MS: '1000', MCP_SESSION_CLEANUP_INTERVAL_MS: '1000' };
      const server = await BuiltServer.start({ env, flags: ['--log-level', 'debug'] });
      try {
        const http = new RawHttp(server.url);
        const [idle, streaming] = [await http.initialize(), await http.initialize()];
        const stream = await http.stream(streaming.session);
        await server.said(/reason[\\":]+idle/);
        expect((await http.post(ping, idle.session)).status).toBe(404);
        expect((await http.post(ping, streaming.session)).status).toBe(200);
        await stream.leave();
        await server.said(/reason[\\":]+idle[^]*reason[\\":]+idle/);
        expect((await http.post(ping, streaming.session)).status).toBe(404);
      } finally {
        await server.dispose();
      }
    },
    LONG_MS,
  );

  it(
    'D-11 give way at the cap, the one that was used longest ago first, and busy ones never',
    async () => {
      const server = await BuiltServer.start({ env: { MCP_SESSION_MAX: '3' } });
      try {
        const http = new RawHttp(server.url);
        const [oldest, second, third] = [await http.initialize(), await http.initialize(), await http.initialize()];
        const stream = await http.stream(second.session);
        await http.post(ping, oldest.session);
        const fourth = await http.initialize();
        expect(fourth.status).toBe(200);
        expect((await http.post(ping, third.session)).status).toBe(404);
        for (const { session } of [oldest, second, fourth]) expect((await http.post(ping, session)).status).toBe(200);
        const streams = [await http.stream(oldest.session), await http.stream(fourth.session)];
        const refused = await http.initialize();
        expect(refused.status).toBe(503);
        expect(answerIn(refused.frames)).toMatchObject({ error: { code: -32000, data: { kind: 'session_limit' } } });
        await Promise.all([stream, ...streams].map((each) => each.leave()));
      } finally {
        await server.dispose();
      }
    },
    LONG_MS,
  );
});

function withoutId({ text }: HttpAnswer): string {
  const { error } = JSON.parse(text) as Message;
  return JSON.stringify({ error });
}

function textOf({ frames }: HttpAnswer): unknown {
  return (answerIn(frames).result?.['content'] as readonly { readonly text: string }[] | undefined)?.[0]?.text;
}
