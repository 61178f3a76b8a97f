import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { modernHeaders, request } from '../support/messages.js';
import { RawHttp } from '../support/raw-http.js';
import { modernRequest } from '../support/raw-modern.js';
import { HttpSession, resultOf } from '../support/raw-session.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { WireRecord } from '../support/wire/conversation.js';
import { HttpTap } from '../support/wire/http-tap.js';
import { MODERN } from '../support/wire/spec-schema.js';
import { serverOptions, SETTINGS } from './behaviours/behaviour.js';
import { STREAMS, WITHOUT_SESSIONS } from './behaviours/streams.js';
import { LEGACY } from './cells.js';

describe('streams of Streamable HTTP', () => {
  const record = new WireRecord();
  let server: BuiltServer;
  let tap: HttpTap;

  beforeAll(async () => {
    server = await BuiltServer.start(serverOptions());
    tap = await HttpTap.open(server.url, record);
  }, PATIENCE_MS);

  afterEach(() => record.assertSound());

  afterAll(async () => {
    await tap.close();
    await server.dispose();
  }, PATIENCE_MS);

  describe.each(LEGACY)('%s', (revision) => {
    const open = (): Promise<HttpSession> => HttpSession.open(tap.url, revision);
    const here = STREAMS.filter(({ where }) => where?.({ revision }) ?? true);

    it.each(here)('$name ($spec)', ({ run }) => run({ revision, url: tap.url, open }), PATIENCE_MS);
  });

  describe(MODERN, () => {
    it.each(WITHOUT_SESSIONS)('$name ($spec)', ({ run }) => run({ url: tap.url }), PATIENCE_MS);
  });
});

describe('streams of a server that keeps little, and shows often that it lives', () => {
  const record = new WireRecord();
  let server: BuiltServer;
  let tap: HttpTap;

  beforeAll(async () => {
    const env = { ...SETTINGS, MCP_KEEP_ALIVE_INTERVAL_MS: '1000', MCP_SESSION_RESUME_EVENTS: '2' };
    server = await BuiltServer.start({ ...serverOptions(), env });
    tap = await HttpTap.open(server.url, record);
  }, PATIENCE_MS);

  afterAll(async () => {
    await tap.close();
    await server.dispose();
    record.assertSound();
  }, PATIENCE_MS);

  it(
    'every quiet stream carries comments: of a GET, of a call, and of a subscription (S0-13)',
    async () => {
      const session = await HttpSession.open(tap.url, '2025-11-25');
      const call = request('quiet', 'tools/call', { name: 'wait_here', arguments: { mark: 'quiet' } });
      const listen = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
      const streams = await Promise.all([
        session.stream(),
        session.openStream(call),
        new RawHttp(tap.url).postOpen(listen, modernHeaders(listen)),
      ]);
      await Promise.all(streams.map((stream) => stream.said(/^: keep-alive$/m)));
      await Promise.all(streams.map((stream) => stream.leave()));
      await resultOf(session, 'tools/call', { name: 'let_go', arguments: { mark: 'quiet' } });
    },
    PATIENCE_MS,
  );

  it(
    'of what was missed, as many events are kept as the settings say, the newest (S0-13)',
    async () => {
      const session = await HttpSession.open(tap.url, '2025-11-25');
      const call = request('many', 'tools/call', {
        name: 'count',
        arguments: { mark: 'm' },
        _meta: { progressToken: 'many' },
      });
      const stream = await session.openStream(call);
      await stream.closed;
      expect(stream.messages).toHaveLength(4);
      const again = await session.stream(stream.eventIds[0]);
      await again.closed;
      expect(again.messages).toEqual(stream.messages.slice(-2));
    },
    PATIENCE_MS,
  );

  it(
    'a server that ends answers its subscriptions, so that their clients know (basic/patterns/subscriptions, Graceful Closure)',
    async () => {
      const frame = modernRequest('subscriptions/listen', { notifications: { promptsListChanged: true } });
      const stream = await new RawHttp(tap.url).postOpen(frame, modernHeaders(frame));
      await stream.message(
        ({ method }) => method === 'notifications/subscriptions/acknowledged',
        'the acknowledgement',
      );
      await Promise.all([stream.closed, server.stop()]);
      expect(stream.messages.at(-1)).toMatchObject({
        id: frame.id,
        result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': frame.id } },
      });
    },
    PATIENCE_MS,
  );
});
