import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from '../messages.js';
import { ROOT } from '../places.js';
import { Conversation, type WireRecord } from './conversation.js';

const TEE = join(ROOT, 'test', 'support', 'wire', 'stdio-tee.mjs');

interface Entry {
  readonly from: 'client' | 'server';
  readonly line: string;
}

/** A tee on the stdio of a server that an official client starts: what went through it is read afterwards. */
export class StdioTap {
  private readonly conversation: Conversation;
  private readChars = 0;

  /** @param log file that is made for it */
  constructor(
    private readonly log: string,
    record: WireRecord,
  ) {
    this.conversation = new Conversation(record);
    writeFileSync(log, '');
  }

  /** @returns the arguments of Node that start the server behind the tee. @param args the server's program and its arguments */
  command(args: readonly string[]): string[] {
    return [TEE, this.log, ...args];
  }

  /** Checks what has passed since the last time. */
  read(): void {
    const text = readFileSync(this.log, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    const lines = text.slice(this.readChars, end).split('\n');
    this.readChars = end;
    for (const line of lines) if (line !== '') this.take(JSON.parse(line) as Entry);
  }

  private take({ from, line }: Entry): void {
    if (line.trim() === '') return;
    if (from === 'server') this.conversation.serverSent(JSON.parse(line) as Frame);
    else this.conversation.clientSent(JSON.parse(line));
  }
}
