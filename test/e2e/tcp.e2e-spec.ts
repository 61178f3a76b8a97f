import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer } from 'node:net';
import { Doors } from '../support/live-doors.js';
import { request } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawLines } from '../support/raw-lines.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { openDescriptors } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

describe('the TCP door', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({
      plugins: [fixture('contract/index')],
      env: { MCP_RATE_LIMIT_MAX: '100000', MCP_LOG_LEVEL: 'debug' },
    });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it('S2-1 serves lines of JSON-RPC to many clients, and stays for the next when they leave', async () => {
    for (let round = 0; round < 2; round++) {
      const clients = await Promise.all([1, 2, 3].map(() => doors.lines()));
      for (const client of clients) {
        expect((await client.initialize()).result?.['protocolVersion']).toBe('2025-11-25');
        expect((await client.request(1, 'tools/list')).result).toHaveProperty('tools');
      }
      for (const client of clients) client.leave();
    }
  });

  it('S2-5 W-8 gives two clients with one id their own answers, also for 0 and for text', async () => {
    const [one, two] = [await doors.lines(), await doors.lines()];
    await Promise.all([one.initialize(), two.initialize()]);
    const ids = [0, 1, '1', ''];
    const ask = (client: RawLines, name: string) =>
      Promise.all(ids.map((id) => client.callTool(id, 'echo', { message: `${name} ${JSON.stringify(id)}` })));
    const answers = await Promise.all([ask(one, 'one'), ask(two, 'two')]);
    expect(answers.map((all) => all.map(({ result }) => (result?.['content'] as [{ text: string }])[0].text))).toEqual(
      ['one', 'two'].map((name) => ids.map((id) => `Echo: ${name} ${JSON.stringify(id)}`)),
    );
    one.leave();
    two.leave();
  });

  it('D-2 serves 2026-07-28 too', async () => {
    const client = await doors.lines();
    const { result } = await client.request(1, 'tools/call', {
      name: 'echo',
      arguments: { message: 'x' },
      _meta: MODERN,
    });
    expect(result).toMatchObject({ resultType: 'complete', content: [{ text: 'Echo: x' }] });
    client.leave();
  });

  it('W-9 opens a session of its own for each client, and knows none before', async () => {
    const client = await doors.lines();
    const before = await client.request(1, 'tools/list');
    expect(before.error).toMatchObject({ code: -32600, data: { kind: 'not_initialized' } });
    await client.initialize();
    expect((await client.request(2, 'initialize', {})).error).toMatchObject({ data: { kind: 'already_initialized' } });
    client.leave();
  });

  it('S0-11 S2-20 S2-23 S2-24 W-12 refuses what is no message, and stays', async () => {
    const client = await doors.lines();
    client.send(
      '{\n',
      '{"jsonrpc":"1.0","id":1,"method":"ping"}\n',
      '{"jsonrpc":"2.0"}\n',
      '{"jsonrpc":"2.0","id":2,"method":"ping","params":{"constructor":{}}}\n',
      Buffer.from([0xff, 0xfe, 0x0a]),
      `${'x'.repeat(1_100_000)}\n`,
      '\r\n\n  \n',
    );
    const messages = await client.count(6);
    expect(messages.map(({ id, error }) => [id, error?.code, error?.message])).toEqual([
      [null, -32700, 'Parse error'],
      [1, -32600, 'Invalid request: Invalid JSON-RPC version'],
      [null, -32600, 'Invalid request: Invalid JSON-RPC structure'],
      [2, -32600, 'Invalid request: forbidden key "constructor"'],
      [null, -32700, 'Parse error: the line is not UTF-8'],
      [null, -32600, 'Message too large'],
    ]);
    expect((await client.request('after', 'ping')).result).toEqual({});
    expect((await doors.events('tcp_invalid_input', 6)).every(({ transport }) => transport === 'tcp')).toBe(true);
    expect(await doors.events('message_too_large')).toMatchObject([{ transport: 'tcp', bytes: 1_100_000 }]);
    client.leave();
  });

  it('S2-21 cuts off a client that never sends a newline, at the limit of the buffer', async () => {
    const client = await doors.lines();
    const other = await doors.lines();
    const chunk = 'x'.repeat(1_000_000);
    for (let i = 0; i < 18; i++) client.send(chunk);
    expect(await client.end()).toBe('');
    expect((await other.request(1, 'ping')).result).toEqual({});
    expect(await doors.events('tcp_connection_closed')).toContainEqual(expect.objectContaining({ code: 1009 }));
    other.leave();
  });

  it('takes a line that comes a byte at a time, and many that come at once', async () => {
    const client = await doors.lines();
    for (const byte of Buffer.from(`${JSON.stringify(request('slow', 'ping', { text: 'ä€' }))}\n`))
      client.send(Buffer.of(byte));
    await client.answer('slow');
    client.send(Array.from({ length: 500 }, (_, id) => `${JSON.stringify(request(id, 'ping'))}\n`).join(''));
    await client.count(501);
    client.leave();
  });

  it('D-3 cancels what runs when a client leaves, in whatever way', async () => {
    const watcher = await doors.lines();
    await watcher.initialize();
    for (const how of ['vanish', 'leave', 'finish'] as const) {
      const client = await doors.lines();
      await client.initialize();
      client.send(request(1, 'tools/call', { name: 'wait_for_abort', arguments: { mark: `tcp ${how}` } }));
      await watcher.callTool(`start ${how}`, 'start_of', { mark: `tcp ${how}` });
      client[how]();
      const { result } = await watcher.callTool(`abort ${how}`, 'abort_of', { mark: `tcp ${how}` });
      expect(JSON.stringify(result)).toContain('Cancelled');
      if (how === 'finish') await client.end();
    }
    watcher.leave();
  });

  it('answers a script that says all that it has to say and waits', async () => {
    const client = await doors.lines();
    client.send(request(1, 'ping'), request(2, 'ping'));
    client.send(JSON.stringify(request(3, 'ping')));
    client.finish();
    await client.end();
    expect(client.messages.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('S0-16 S2-28 tells who comes and goes, by the names that operators look for', async () => {
    const client = await doors.lines();
    const { localPort } = client.socket;
    await doors.server.said(new RegExp(`Client connected: 127\\.0\\.0\\.1:${localPort} \\(ID: `));
    const established = await doors.events('tcp_connection_established');
    expect(established.at(-1)).toMatchObject({ transport: 'tcp', ip: '127.0.0.1', principal: 'gatehouse/anonymous' });
    client.leave();
    await doors.server.said(new RegExp(`Connection closed: 127\\.0\\.0\\.1:${localPort}`));
  });

  it('S0-13 takes nothing more from a client that does not read', async () => {
    const client = await doors.lines();
    await client.initialize();
    client.socket.pause();
    const message = 'x'.repeat(100_000);
    for (let id = 0; id < 500; id++) client.send(request(id, 'tools/call', { name: 'echo', arguments: { message } }));
    const other = await doors.lines();
    for (let turn = 0; turn < 50; turn++) expect((await other.request(turn, 'ping')).result).toEqual({});
    // What was sent are 50 MB: the most of it is still here.
    expect(client.socket.writableLength).toBeGreaterThan(10_000_000);
    client.socket.resume();
    await client.answer(499);
    client.leave();
    other.leave();
  });

  it('S2-22 keeps nothing of clients that were', async () => {
    const before = openDescriptors(doors.server.pid);
    for (let round = 0; round < 3; round++) {
      const clients = await Promise.all(Array.from({ length: 40 }, () => doors.lines()));
      await Promise.all(clients.map((client) => client.initialize()));
      for (const [at, client] of clients.entries()) {
        if (at % 3 === 0) client.vanish();
        else if (at % 3 === 1) client.leave();
        else client.finish();
      }
      await Promise.all(clients.map((client) => client.ended));
    }
    await until(() => openDescriptors(doors.server.pid) <= before + 2, 'the descriptors of before');
    expect(doors.server.stderr).not.toMatch(/^.* (ERROR|FATAL) .*$/m);
  });
});

describe('limits of TCP', () => {
  let doors: Doors | undefined;

  afterAll(() => doors?.dispose());
  const open = async (flags: string[], env: Record<string, string> = {}): Promise<Doors> => {
    await doors?.dispose();
    return (doors = await Doors.open({ flags, env: { MCP_LOG_LEVEL: 'debug', ...env } }));
  };
  const refused = async (at: Doors): Promise<string> => (await at.lines()).end();

  it(
    'S2-18 sends client 51 of 50 away, and tells of it',
    async () => {
      const at = await open([]);
      const clients = await Promise.all(Array.from({ length: 50 }, () => at.lines()));
      await Promise.all(clients.map((client) => client.request(1, 'ping')));
      expect(await refused(at)).toBe('{"error":"Service unavailable - connection limit reached"}\n');
      expect(await at.events('tcp_connection_limit')).toMatchObject([{ ip: '127.0.0.1', limit: 50 }]);
      clients[0]?.leave();
      await until(() => /Connection closed/.test(at.server.stderr), 'a free place');
      expect((await (await at.lines()).request(1, 'ping')).result).toEqual({});
    },
    LONG_MS,
  );

  it(
    'S2-15 sends an address away that connects too often, and answers message 101 with an error',
    async () => {
      const at = await open([], { MCP_RATE_LIMIT_CONNECTIONS: '2' });
      const client = await at.lines();
      for (let id = 1; id <= 101; id++) client.send(request(id, 'ping'));
      expect((await client.answer(101)).error).toMatchObject({ code: -32000, message: 'Rate limit exceeded' });
      expect(client.messages.filter(({ error }) => error)).toHaveLength(1);
      await at.lines();
      expect(await refused(at)).toBe('{"error":"Rate limit exceeded"}\n');
      expect(await at.events('tcp_rate_limit_exceeded', 2)).toMatchObject([
        { transport: 'tcp', bucket: 'messages' },
        { transport: 'tcp', bucket: 'connections', ip: '127.0.0.1' },
      ]);
    },
    LONG_MS,
  );

  it(
    'S2-19 W-10 closes a client that idles, and not one that is active for longer',
    async () => {
      const at = await open([], { MCP_TCP_IDLE_TIMEOUT_MS: '10000', MCP_IDLE_CHECK_INTERVAL_MS: '1000' });
      const [idle, active] = [await at.lines(), await at.lines()];
      const beat = setInterval(() => active.send(request(Date.now(), 'ping')), 1_000);
      expect(await idle.end()).toBe('');
      clearInterval(beat);
      expect(await at.events('tcp_connection_timeout')).toMatchObject([
        { transport: 'tcp', idleMs: expect.any(Number) },
      ]);
      expect((await active.request('still there', 'ping')).result).toEqual({});
    },
    LONG_MS,
  );

  it(
    'S2-32 hangs up in order when the server ends, and takes nobody more',
    async () => {
      const at = await open([]);
      const client = await at.lines();
      await client.initialize();
      const exit = at.server.stop('SIGTERM');
      await client.end();
      expect(await exit).toEqual({ code: 0, signal: null });
      await expect(at.lines()).rejects.toThrow();
      expect(await at.events('server_shutdown')).toMatchObject([{ activeConnections: 1 }]);
    },
    LONG_MS,
  );
});

describe('K-2 --transport tcp', () => {
  it(
    'S2-1 serves TCP alone, or beside stdio, without any HTTP',
    async () => {
      const folder = await temporaryFolder();
      const program = Program.start({
        args: ['serve', '--transport', 'tcp,stdio', '--tcp-port', '0', '--state-dir', folder.path],
        cwd: folder.path,
      });
      try {
        const [, port = ''] = await program.said(/TCP endpoint: tcp:\/\/127\.0\.0\.1:(\d+)/);
        expect(program.stderr).toContain(`Using TCP transport on 127.0.0.1:${port}`);
        expect(program.stderr).not.toContain('MCP endpoint');
        const client = await RawLines.open(Number(port));
        expect((await client.initialize()).result).toBeDefined();
        program.write(`${JSON.stringify(request('s', 'ping'))}\n`);
        await program.said(/"id":"s","result":\{\}/, 'stdout');
        client.leave();
      } finally {
        await program.stop();
        await folder.remove();
      }
    },
    LONG_MS,
  );

  it(
    'S2-33 S3-18 says who may have the port when it is in use, and ends with 1',
    async () => {
      const folder = await temporaryFolder();
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
      const { port } = holder.address() as { port: number };
      for (const transport of ['tcp', 'http,tcp']) {
        const { code, stderr, stdout } = await Program.run({
          args: [
            'serve',
            '--transport',
            transport,
            '--port',
            '0',
            '--tcp-port',
            String(port),
            '--state-dir',
            folder.path,
          ],
          cwd: folder.path,
        });
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toContain(
          `Port ${port} on 127.0.0.1 is in use: find its holder with "ss -ltnp sport = :${port}", or take another with --tcp-port.`,
        );
      }
      holder.close();
      await folder.remove();
    },
    LONG_MS,
  );
});
