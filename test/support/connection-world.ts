import { Authenticator, type Credentials, type Principal } from '../../src/auth/index.js';
import { ProtocolError } from '../../src/common/index.js';
import type { Ending } from '../../src/transport/connections/ending.js';
import { Wire } from '../../src/transport/connections/wire.js';
import { principalOf } from './tool-world.js';

/** Knows callers by tokens; asks for one. */
export class TokenAuthenticator extends Authenticator {
  override readonly isRequired = true;
  readonly asked: Credentials[] = [];
  /** Held back until this is settled, where it is set. */
  pending: Promise<void> | undefined;

  constructor(private readonly tokens: Readonly<Record<string, Principal>> = { good: principalOf('operator') }) {
    super();
  }

  override async authenticate(credentials: Credentials): Promise<Principal> {
    this.asked.push(credentials);
    await this.pending;
    const { authorization } = credentials;
    if (authorization === undefined) throw new ProtocolError('auth_required', 'Authentication required');
    const principal = this.tokens[authorization.replace('Bearer ', '')];
    if (!principal) throw new ProtocolError('auth_failed', 'The token is not one of ours');
    return principal;
  }

  override local(): Principal {
    return principalOf('operator');
  }
}

/** A client whose reading is in the hands of the test. */
export class FakeWire extends Wire {
  readonly sent: string[] = [];
  readonly ends: (Ending | 'destroyed')[] = [];
  isPaused = false;
  isAlive = true;
  /** Whether the client reads at once. */
  isRead = true;
  private readonly unread: { readonly bytes: number; readonly done: () => void }[] = [];

  constructor(limits = { messages: 100, bytes: 1_000_000 }) {
    super(limits);
  }

  override get unreadBytes(): number {
    return this.unread.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  override pause(): void {
    this.isPaused = true;
  }

  override resume(): void {
    this.isPaused = false;
  }

  override close(ending: Ending): void {
    this.ends.push(ending);
  }

  /** The socket of a test is never closed by itself: whoever destroys it does so again and again. */
  override destroy(): void {
    if (!this.ends.includes('destroyed')) this.ends.push('destroyed');
  }

  override beat(): boolean {
    return this.isAlive;
  }

  /** What was sent, parsed. */
  get messages(): Record<string, unknown>[] {
    return this.sent.map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  /** Lets the client read so many messages. */
  read(count = this.unread.length): void {
    for (const { done } of this.unread.splice(0, count)) done();
  }

  protected override write(text: string, done: () => void): void {
    this.sent.push(text);
    if (this.isRead) queueMicrotask(done);
    else this.unread.push({ bytes: text.length, done });
  }
}

/** Waits until it is so, turn by turn of the event loop. */
export async function eventually(isSo: () => boolean, what = 'what was expected'): Promise<void> {
  for (let i = 0; i < 2_000 && !isSo(); i++) await new Promise((resolve) => setImmediate(resolve));
  if (!isSo()) throw new Error(`It never came to ${what}`);
}
