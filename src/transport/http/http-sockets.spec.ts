import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import type { ConfigOverrides } from '../../config/index.js';
import { attachGatehouse } from '../index.js';
import { TransportModule } from '../transport.module.js';
import { HttpSockets } from './http-sockets.js';

let world: DispatchWorld;
let sockets: HttpSockets;

beforeEach(() => {
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

async function open(settings: ConfigOverrides = {}): Promise<void> {
  world = await DispatchWorld.open({
    settings: { ...settings, server: { transports: ['http'] } },
    imports: [TransportModule],
    attach: attachGatehouse,
  });
  sockets = world.get(HttpSockets);
}

/** The socket of a client whose reading is in the hands of the test. */
class SlowSocket extends Socket {
  private readonly bytes = { written: 0, unread: 0 };

  constructor() {
    super();
    const { bytes } = this;
    const get = (value: () => unknown): PropertyDescriptor => ({ get: value });
    Object.defineProperties(this, {
      writableLength: get(() => bytes.unread),
      bytesWritten: get(() => bytes.written),
      remoteAddress: get(() => (this.destroyed ? undefined : '10.0.0.7')),
    });
  }

  owe(bytes: number): this {
    this.bytes.written += bytes;
    this.bytes.unread += bytes;
    return this;
  }

  took(bytes: number): void {
    this.bytes.unread -= bytes;
  }
}

function slowSocket(): SlowSocket {
  const socket = new SlowSocket();
  sockets.add(socket);
  return socket;
}

function pass(ms: number): void {
  world.clock.advance(ms);
  sockets.sweep();
}

describe('S0-13 the connections of HTTP', () => {
  it('are cut when nothing is read of what waits, and that is written down', async () => {
    await open();
    const [stuck, idle] = [slowSocket().owe(100), slowSocket()];
    const closed = once(stuck, 'close');
    pass(0);
    pass(34_999);
    expect(stuck.destroyed).toBe(false);
    // More that waits is nothing that was read.
    stuck.owe(200);
    pass(1_000);
    expect([stuck.destroyed, idle.destroyed]).toEqual([true, false]);
    await closed.catch(() => undefined);
    expect(world.security.events.at(-1)).toMatchObject({
      event: 'websocket_error',
      details: { transport: 'http', ip: '10.0.0.7', error: 'Messages are not read' },
    });
    idle.destroy();
    await once(idle, 'close');
    expect(sockets.count).toBe(0);
  });

  it('are kept while something is read now and then', async () => {
    await open();
    const slow = slowSocket().owe(1_000);
    for (let turn = 0; turn < 10; turn++) {
      pass(30_000);
      slow.took(100);
    }
    pass(30_000);
    slow.owe(100);
    pass(0);
    pass(34_999);
    expect(slow.destroyed).toBe(false);
    slow.destroy();
  });

  it('are kept while one large answer is under way', async () => {
    await open();
    const slow = slowSocket().owe(10_000_000);
    const handle = { writeQueueSize: 9_000_000 };
    Object.assign(slow, { _handle: handle });
    for (let turn = 0; turn < 10; turn++) {
      pass(30_000);
      handle.writeQueueSize -= 100_000;
    }
    expect(slow.destroyed).toBe(false);
    pass(0);
    Object.assign(slow, { _handle: null });
    pass(0);
    pass(35_000);
    expect(slow.destroyed).toBe(true);
  });
});

describe('the connections that a server takes', () => {
  const server = (): Server => createServer();

  it('are as many as its sessions, WebSockets and streams may need, or as is set', async () => {
    await open();
    const own = server();
    sockets.cap(own);
    expect(own.maxConnections).toBe(1_000 + 100 + 4 * 1_000);
    const ofHost = Object.assign(server(), { maxConnections: 7 });
    sockets.cap(ofHost);
    expect(ofHost.maxConnections).toBe(7);
  });

  it('are closed unheard over that, and written down', async () => {
    await open({ http: { maxSockets: 10 } });
    const capped = server();
    sockets.cap(capped);
    expect(capped.maxConnections).toBe(10);
    capped.maxConnections = 1;
    await once(capped.listen(0, '127.0.0.1'), 'listening');
    const { port } = capped.address() as { port: number };
    const first = connect(port, '127.0.0.1');
    await once(first, 'connect');
    const second = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(second, 'close');
    expect(world.security.events.at(-1)).toEqual({
      event: 'connection_limit',
      details: { transport: 'http', ip: '127.0.0.1', limit: 10 },
    });
    first.destroy();
    capped.close();
  });
});
