import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Doors } from '../support/live-doors.js';
import { initializeParams, type Json, request } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawSse } from '../support/raw-sse.js';
import { PATIENCE_MS } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

describe('legacy HTTP+SSE', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({ plugins: [fixture('contract/index')], env: { MCP_RATE_LIMIT_MAX: '100000' } });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it('S1-14 is a stream of events that nobody keeps', async () => {
    const { stream } = await RawSse.open(doors.sseUrl);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.headers.get('cache-control')).toContain('no-cache');
    expect(stream.headers.get('connection')).toBe('keep-alive');
    await stream.leave();
  });

  it('S1-15 takes messages by POST, and answers them on the stream', async () => {
    const client = await RawSse.open(doors.sseUrl);
    const taken = await client.post(request('first', 'initialize', initializeParams('2024-11-05')));
    expect([taken.status, await taken.text(), taken.headers.get('content-type')]).toEqual([
      202,
      'Message queued for SSE delivery',
      'text/plain; charset=utf-8',
    ]);
    await client.stream.said(/"id":"first".*"protocolVersion":"2024-11-05"/);
    expect(await client.request('echo', 'tools/call', { name: 'echo', arguments: { message: 'x' } })).toMatchObject({
      result: { content: [{ text: 'Echo: x' }] },
    });
    await client.stream.leave();
  });

  it('S1-14 S1-15 K-7 K-8 speaks the older form with who asks for it, and the id is ours (W-17)', async () => {
    const client = await RawSse.open(`${doors.sseUrl}?client_id=mine`);
    const [, id = ''] = await client.stream.said(/^data: \{"type":"connected","client_id":"([0-9a-f]{32})"\}$/m);
    expect(id).toBe(client.id);
    const answer = await client.post(request('a', 'ping'), { path: '/message', headers: { 'X-Client-ID': id } });
    expect(answer.status).toBe(202);
    await client.stream.said(/"id":"a","result":\{\}/);
    expect((await client.post(request('b', 'ping'), { path: '/message?client_id=mine' })).status).toBe(404);
    await client.stream.leave();
  });

  it('S1-15 refuses what is no JSON, and what names no stream', async () => {
    const client = await RawSse.open(doors.sseUrl);
    const broken = await client.post('{"jsonrpc":');
    expect([broken.status, await broken.json()]).toMatchObject([
      400,
      { id: null, error: { code: -32700, message: 'Parse error' } },
    ]);
    for (const path of ['/message?sessionId=', '/message?sessionId=00000000000000000000000000000000']) {
      const unknown = await client.post(request(1, 'ping'), { path });
      expect([unknown.status, await unknown.json()]).toMatchObject([
        404,
        { error: { data: { kind: 'session_not_found' } } },
      ]);
    }
    const alone = await client.post(request(1, 'tools/list'), { path: '/message' });
    expect([alone.status, await alone.json()]).toMatchObject([200, { id: 1, result: { tools: expect.any(Array) } }]);
    await client.stream.leave();
  });

  it('D-2 refuses 2026-07-28 with -32022, and says what it serves', async () => {
    const client = await RawSse.open(doors.sseUrl);
    const refused = await client.post(request(1, 'tools/list', { _meta: MODERN }));
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { id: 1, error: { code: -32022, data: { supported: expect.arrayContaining(['2025-11-25', '2024-11-05']) } } },
    ]);
    await client.stream.leave();
  });

  it('S3-4 W-17 brings answers to the stream alone that they belong to', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawSse.open(doors.sseUrl)));
    await Promise.all(clients.map((client) => client.request('init', 'initialize', initializeParams('2025-06-18'))));
    const answers = await Promise.all(
      clients.map((client, at) =>
        client.request('1', 'tools/call', { name: 'echo', arguments: { message: `of ${at}` } }),
      ),
    );
    expect(answers.map(({ result }) => ((result as Json)['content'] as [{ text: string }])[0].text)).toEqual(
      clients.map((_client, at) => `Echo: of ${at}`),
    );
    expect(new Set(clients.map(({ id }) => id)).size).toBe(10);
    await Promise.all(clients.map(({ stream }) => stream.leave()));
  });

  it('D-3 S3-6 cancels what runs for a stream when it closes', async () => {
    const [client, watcher] = [await RawSse.open(doors.sseUrl), await doors.lines()];
    await client.request('init', 'initialize', initializeParams('2024-11-05'));
    await watcher.initialize();
    await client.post(request('x', 'tools/call', { name: 'wait_for_abort', arguments: { mark: 'sse' } }));
    await watcher.callTool('start', 'start_of', { mark: 'sse' });
    await client.stream.leave();
    expect(JSON.stringify((await watcher.callTool('abort', 'abort_of', { mark: 'sse' })).result)).toContain(
      'Cancelled',
    );
    expect((await client.post(request('y', 'ping'))).status).toBe(404);
    watcher.leave();
  });

  it('W-5 is closed to pages of other sites', async () => {
    const answer = await fetch(doors.sseUrl, {
      headers: { Accept: 'text/event-stream', Origin: 'https://evil.example' },
    });
    expect(answer.status).toBe(403);
    const posted = await fetch(`${doors.base}/message`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: 'https://evil.example' },
      body: JSON.stringify(request(1, 'ping')),
    });
    expect(posted.status).toBe(403);
  });
});

describe('the client of the SDK', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({ plugins: [fixture('everything/index')], env: { MCP_LEGACY_SSE_ON_MCP: 'true' } });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it.each(['/sse', '/mcp'])('K-6 W-41 connects at %s, calls, is told of progress, and is asked back', async (path) => {
    const client = new Client({ name: 'gatehouse-tests', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: 'accept',
      content: { username: 'ada', email: 'a@b.c' },
    }));
    const faults: unknown[] = [];
    client.onerror = (error) => faults.push(error);
    await client.connect(new SSEClientTransport(new URL(`${doors.base}${path}`)));
    expect((await client.listTools()).tools.length).toBeGreaterThan(10);
    const progress: unknown[] = [];
    const onprogress = (step: unknown): void => void progress.push(step);
    await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, { onprogress });
    expect(progress).toHaveLength(3);
    const asked = await client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } });
    expect(JSON.stringify(asked)).toContain('ada');
    expect(faults).toEqual([]);
    await client.close();
  });
});

describe('K-2 --transport sse', () => {
  it('S1-4 S1-16 serves SSE and nothing else of MCP', async () => {
    const folder = await temporaryFolder();
    const program = Program.start({
      args: ['serve', '--transport', 'sse', '--port', '0', '--name', 'files', '--state-dir', folder.path],
      cwd: folder.path,
    });
    try {
      const [, base = ''] = await program.said(/SSE endpoint: (http:\/\/\S+)\/sse/);
      expect(program.stderr).toContain(`Message POST endpoint: ${base}/message`);
      expect(program.stderr).not.toMatch(/MCP endpoint|WebSocket endpoint/);
      const client = await RawSse.open(`${base}/sse`);
      expect(await client.request('i', 'initialize', initializeParams('2024-11-05'))).toMatchObject({
        result: { serverInfo: { name: 'files' } },
      });
      for (const path of ['/mcp', '/ws']) expect([path, (await fetch(`${base}${path}`)).status]).toEqual([path, 404]);
      await client.stream.leave();
    } finally {
      await program.stop();
      await folder.remove();
    }
  });
});
