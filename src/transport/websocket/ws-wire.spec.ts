import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { WsWire } from './ws-wire.js';

const socket = Object.assign(new Duplex(), { bytesRead: 0 });
const ws = {
  bufferedAmount: 0,
  send: jest.fn(),
  ping: jest.fn(),
  pause: jest.fn(),
  resume: jest.fn(),
  close: jest.fn(),
  terminate: jest.fn(),
};
let wire: WsWire;

beforeEach(() => {
  jest.clearAllMocks();
  socket.bytesRead = 100;
  wire = new WsWire(
    ws as unknown as WebSocket,
    socket,
    { pingMs: 30_000, pongMs: 10_000 },
    {
      limits: { messages: 2, bytes: 1_000 },
      now: 0,
    },
  );
});

describe('WsWire', () => {
  it('S0-31 pings every 30 s, and takes whatever comes for a sign of life', () => {
    expect([wire.beat(29_000), ws.ping.mock.calls.length]).toEqual([true, 0]);
    expect([wire.beat(30_000), ws.ping.mock.calls.length]).toEqual([true, 1]);
    socket.bytesRead += 6;
    expect([wire.beat(41_000), ws.ping.mock.calls.length]).toEqual([true, 1]);
    expect([wire.beat(60_000), ws.ping.mock.calls.length]).toEqual([true, 2]);
  });

  it('S0-31 knows a peer as dead from which nothing came for 10 s after a ping', () => {
    wire.beat(30_000);
    expect([wire.beat(39_000), wire.beat(40_000)]).toEqual([true, false]);
  });

  it('S0-31 a frame that takes long to come is a sign of life', () => {
    wire.beat(30_000);
    for (let now = 31_000; now < 59_000; now += 1_000) {
      socket.bytesRead += 1;
      expect(wire.beat(now)).toBe(true);
    }
  });

  it('S0-31 expects no answer of a client to which nobody listens', () => {
    wire.beat(30_000);
    wire.pause();
    expect([wire.beat(100_000), wire.beat(200_000), ws.ping.mock.calls.length]).toEqual([true, true, 1]);
    wire.resume();
    expect([wire.beat(201_000), ws.ping.mock.calls.length]).toEqual([true, 2]);
    expect(wire.beat(211_000)).toBe(false);
  });

  it('S0-13 knows what waits, in messages and in bytes', () => {
    const done = (): void => (ws.send.mock.calls.pop() as [string, () => void])[1]();
    const read = jest.fn();
    wire.whenRead(read);
    for (const text of ['a', 'b', 'c']) wire.send(text);
    expect([wire.unreadMessages, wire.isFull, wire.takeWasRead()]).toEqual([3, true, false]);
    done();
    expect([wire.unreadMessages, wire.isFull, wire.takeWasRead(), wire.takeWasRead()]).toEqual([2, false, true, false]);
    expect(read).toHaveBeenCalledTimes(1);
    ws.bufferedAmount = 1_001;
    expect([wire.unreadBytes, wire.isFull]).toEqual([1_001, true]);
    ws.bufferedAmount = 0;
    done();
    done();
    expect([wire.takeWasRead(), wire.takeWasRead()]).toEqual([true, true]);
  });

  it('listens for the goodbye of a client that it had stopped listening to', () => {
    wire.pause();
    wire.close({ code: 1001, reason: 'Server shutting down' });
    expect([ws.resume.mock.calls.length, ws.close.mock.calls]).toEqual([1, [[1001, 'Server shutting down']]]);
    wire.destroy();
    expect(ws.terminate).toHaveBeenCalledTimes(1);
  });
});
