import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Authenticator, type Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import {
  Announcements,
  ConnectionCalls,
  Dispatcher,
  legacyListener,
  Exchange,
  type Reply,
} from '../../dispatch/index.js';
import { type Door, Doors } from '../door.js';
import { decode, type Decoded, isInitialize } from '../../protocol/index.js';
import { SessionService } from '../../session/index.js';
import { LineReader } from './line-reader.js';

/** What may wait for a client to read it. */
const MAX_UNREAD_BYTES = 16_777_216;

/** The one caller of a process: everything that is read and written belongs to it. */
class StdioExchange extends Exchange {
  override readonly door = 'stdio';
  override readonly isSealed = false;
  override readonly connectionKey = 'stdio';
  override readonly calls = new ConnectionCalls();

  constructor(
    override readonly principal: Principal,
    private readonly output: Writable,
  ) {
    super();
  }

  /** There is one channel: nothing to close. */
  override closeStream(): void {
    return undefined;
  }

  override send(text: string): void {
    this.output.write(`${text}\n`);
  }

  reply(reply: Reply | undefined): void {
    if (reply) this.send(reply.text);
  }
}

/**
 * MCP over stdin and stdout: one JSON-RPC message a line, each way.
 * @see MCP 2025-11-25, basic/transports, "stdio"
 */
@Injectable()
export class StdioTransport implements Door {
  readonly name = 'stdio';
  private readonly running = new Set<Promise<void>>();
  private output: Writable | undefined;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly authenticator: Authenticator,
    private readonly sessions: SessionService,
    private readonly announcements: Announcements,
    private readonly doors: Doors,
    private readonly config: AppConfig,
  ) {}

  /**
   * Serves until the input ends; then running calls are cancelled, down to their child processes.
   * @returns when all that was owed is written
   */
  async serve(input: Readable, output: Writable): Promise<void> {
    this.output = output;
    this.doors.register(this);
    const exchange = new StdioExchange(this.authenticator.local(), output);
    let stopListening: (() => void) | undefined;
    const reader = new LineReader(this.config.limits.maxMessageBytes);
    // A client that closed its end early is gone: what we would have written is owed to nobody.
    output.on('error', () => input.destroy());
    try {
      for await (const line of reader.lines(input)) {
        const decoded = typeof line === 'string' ? decode(line) : { id: null, fault: line };
        const served = this.serveOne(decoded, exchange).finally(() => this.running.delete(served));
        this.running.add(served);
        // An initialize must have opened the session before the next line is looked at.
        if (isInitialize(decoded)) {
          await served;
          stopListening ??= this.listen(exchange);
        }
        // Nothing more is taken from a client that does not read (S0-13). One that is gone ends the input.
        if (output.writableLength > MAX_UNREAD_BYTES) await readOn(output);
      }
    } catch (error) {
      if (!output.destroyed) throw error;
    }
    stopListening?.();
    exchange.calls.cancelAll('the client left');
    if (exchange.session) await this.sessions.end(exchange.session, 'disconnected');
    await this.drain();
    this.output = undefined;
  }

  /** The one client, for as long as it is there. */
  get connectionCount(): number {
    return this.output ? 1 : 0;
  }

  /** Nobody new can come. */
  stopAccepting(): void {
    return undefined;
  }

  /** Waits until all that is owed is written. */
  async drain(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
    const { output } = this;
    if (output) await new Promise<void>((resolve) => output.write('', () => resolve()));
  }

  /** The client sees the end of the process. */
  close(): void {
    return undefined;
  }

  private listen(exchange: StdioExchange): (() => void) | undefined {
    const { session, principal } = exchange;
    if (!session) return undefined;
    return this.announcements.listen(legacyListener(session, principal, (text) => exchange.send(text)));
  }

  private async serveOne(decoded: Decoded | Decoded[], exchange: StdioExchange): Promise<void> {
    exchange.reply(await this.dispatcher.receive(decoded, exchange));
  }
}

/** Waits until a client has read on, or is gone. */
async function readOn(output: Writable): Promise<void> {
  if (output.destroyed) return;
  await Promise.race([once(output, 'drain'), once(output, 'close')]).catch(() => undefined);
}
