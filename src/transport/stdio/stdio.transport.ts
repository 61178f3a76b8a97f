import type { Readable, Writable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Authenticator } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { decode } from '../../protocol/index.js';
import { HIGH_WATER_BYTES, type QueueLimits, Wire } from '../connections/wire.js';
import { type Door, Doors } from '../door.js';
import { Conversations } from '../duplex/conversations.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { LineReader } from '../duplex/line-reader.js';

/** One line each message. Lines are drawn from the input as they are wanted, so that there is nothing to hold back. */
class StdioWire extends Wire {
  constructor(
    private readonly input: Readable,
    private readonly output: Writable,
    limits: QueueLimits,
  ) {
    super(limits);
  }

  override get unreadBytes(): number {
    return this.output.writableLength;
  }

  override pause(): void {
    return undefined;
  }

  override resume(): void {
    return undefined;
  }

  override close(): void {
    this.input.destroy();
  }

  override destroy(): void {
    this.input.destroy();
  }

  protected override write(text: string, done: () => void): void {
    this.output.write(`${text}\n`, done);
  }
}

/**
 * MCP over stdin and stdout: one JSON-RPC message a line, each way.
 * @see MCP 2025-11-25, basic/transports, "stdio"
 */
@Injectable()
export class StdioTransport implements Door {
  readonly name = 'stdio';
  /** The one client, and where it reads, for as long as it is there. */
  private client: { readonly connection: DuplexConnection; readonly output: Writable } | undefined;

  constructor(
    private readonly conversations: Conversations,
    private readonly authenticator: Authenticator,
    private readonly doors: Doors,
    private readonly config: AppConfig,
  ) {}

  /**
   * Serves until the input ends; then running calls are cancelled, down to their child processes.
   * @returns when all that was owed is written: whether the client left, and was not sent away
   */
  async serve(input: Readable, output: Writable): Promise<boolean> {
    const { maxMessageBytes, maxQueue } = this.config.limits;
    const wire = new StdioWire(input, output, { messages: maxQueue, bytes: HIGH_WATER_BYTES });
    const connection = this.conversations.open({ door: 'stdio', wire, peer: {} }, this.authenticator.local());
    this.client = { connection, output };
    this.doors.register(this);
    // A client that closed its end early is gone: what we would have written is owed to nobody.
    const gone = (): void => {
      connection.leaving();
      input.destroy();
    };
    output.on('error', gone).on('close', gone);
    try {
      for await (const line of new LineReader(maxMessageBytes).lines(input)) {
        connection.receive(typeof line === 'string' ? decode(line) : { id: null, fault: line });
        // Nothing more is taken from a client that does not read (S0-13). One that is gone ends the input.
        for (let { ready } = connection; ready; { ready } = connection) await ready;
        if (connection.ended) break;
      }
    } catch (error) {
      if (!output.destroyed && !connection.ended) throw error;
    }
    connection.leaving();
    await this.drain();
    connection.left();
    this.client = undefined;
    return connection.ended?.byServer !== true;
  }

  get connectionCount(): number {
    return this.client ? 1 : 0;
  }

  /** Nobody new can come. */
  stopAccepting(): void {
    return undefined;
  }

  /** Waits until all that is owed is written. */
  async drain(): Promise<void> {
    if (!this.client) return;
    const { connection, output } = this.client;
    await connection.settled();
    await new Promise<void>((resolve) => output.write('', () => resolve()));
  }

  /** The client sees the end of the process. */
  close(): void {
    return undefined;
  }
}
