import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { WebSocket } from 'ws';
import { within } from './waiting.js';

/** Lines over TCP for the official clients, which have no such transport. */
export class LineTransport implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  private socket: Socket | undefined;
  private rest = '';

  constructor(private readonly port: number) {}

  async start(): Promise<void> {
    this.socket = connect(this.port, '127.0.0.1').setEncoding('utf8');
    this.socket.on('data', (text: string) => this.read(text));
    this.socket.on('close', () => this.onclose?.());
    await within(once(this.socket, 'connect'), 'a connection');
    this.socket.on('error', (error) => this.onerror?.(error));
  }

  async send(message: object): Promise<void> {
    this.socket?.write(`${JSON.stringify(message)}\n`);
  }

  async close(): Promise<void> {
    this.socket?.destroy();
  }

  private read(text: string): void {
    const lines = `${this.rest}${text}`.split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.onmessage?.(JSON.parse(line) as JSONRPCMessage);
  }
}

/** A WebSocket for the client of 2.x, which has no such transport. */
export class WebSocketTransport implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  private socket: WebSocket | undefined;

  constructor(private readonly url: string) {}

  async start(): Promise<void> {
    this.socket = new WebSocket(this.url, 'mcp');
    this.socket.on('message', (data) =>
      this.onmessage?.(JSON.parse((data as Buffer).toString('utf8')) as JSONRPCMessage),
    );
    this.socket.on('close', () => this.onclose?.());
    await within(once(this.socket, 'open'), 'an open WebSocket');
    this.socket.on('error', (error) => this.onerror?.(error));
  }

  async send(message: object): Promise<void> {
    this.socket?.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    this.socket?.close();
  }
}
