import { isBatch, type Frame, type Json, type Message } from '../messages.js';
import { faultsOfMessage } from './message-faults.js';
import { MODERN, SPEC_REVISIONS, type SpecRevision } from './spec-schema.js';

const META = 'io.modelcontextprotocol/';
/** What is assumed of a legacy session until `initialize` is answered. */
const NEWEST_LEGACY: SpecRevision = '2025-11-25';

/** Faults that one failure names. */
const MAX_SHOWN = 5;

interface Asked {
  readonly method: string;
  readonly isModern: boolean;
  readonly progressToken: unknown;
}

/** What was seen on every wire of a suite, and what was wrong with it. */
export class WireRecord {
  private faults: string[] = [];
  private readonly counts = new Map<SpecRevision, number>();

  /** Messages of the server that were checked. */
  countOf(revision: SpecRevision): number {
    return this.counts.get(revision) ?? 0;
  }

  checked(revision: SpecRevision): void {
    this.counts.set(revision, this.countOf(revision) + 1);
  }

  fault(text: string): void {
    this.faults.push(text);
  }

  /** @throws Error names every message since the last call that is not as the specification says, and why */
  assertSound(): void {
    const faults = [...new Set(this.faults)];
    this.faults = [];
    if (faults.length === 0) return;
    const first = faults.slice(0, MAX_SHOWN).join('\n');
    throw new Error(`${faults.length} faults in messages that the specification does not allow, first:\n${first}`);
  }
}

/**
 * What one client and the server say to each other: in one legacy session, on one connection, or in one modern request.
 * Every message of the server is held against the schema of the revision that it belongs to.
 */
export class Conversation {
  private readonly asked = new Map<string, Asked>();
  /** Revision that `initialize` gave. */
  private negotiated: SpecRevision | undefined;

  /** @param assumed revision of what says nothing of its own */
  constructor(
    private readonly record: WireRecord,
    private readonly assumed?: SpecRevision,
  ) {}

  /** Takes in what the client sends, before it is sent; what is no message is passed over. */
  clientSent(frame: unknown): void {
    for (const message of messagesIn(frame)) {
      if (message.method === undefined || message.id === undefined) continue;
      const meta = metaOf(message);
      this.asked.set(JSON.stringify(message.id), {
        method: message.method,
        isModern: message.method === 'server/discover' || `${META}protocolVersion` in meta,
        progressToken: meta['progressToken'],
      });
    }
  }

  /** Checks what the server has sent. */
  serverSent(frame: Frame): void {
    const messages = isBatch(frame) ? frame : [frame];
    const revision = isBatch(frame) ? (this.negotiated ?? this.assumed) : undefined;
    if (isBatch(frame) && revision !== '2025-03-26')
      this.record.fault(`a batch outside of 2025-03-26: ${shown(frame)}`);
    for (const message of messages) this.check(message);
  }

  private check(message: Message): void {
    const asked = message.method === undefined ? this.asked.get(JSON.stringify(message.id)) : undefined;
    if (asked?.method === 'initialize') this.note(message);
    const revision = this.revisionOf(message, asked);
    this.record.checked(revision);
    const faults = faultsOfMessage({ message, revision, answers: asked?.method });
    for (const fault of faults) this.record.fault(`${revision}: ${fault}: ${shown(message)}`);
  }

  private note({ result }: Message): void {
    const given = SPEC_REVISIONS.find((revision) => revision === result?.['protocolVersion']);
    if (given !== undefined) this.negotiated = given;
  }

  private revisionOf(message: Message, asked: Asked | undefined): SpecRevision {
    const legacy = this.negotiated ?? this.assumed ?? NEWEST_LEGACY;
    if (asked) return asked.isModern ? MODERN : legacy;
    if (message.method === undefined) return legacy;
    if (`${META}subscriptionId` in metaOf(message)) return MODERN;
    const token = message.params?.['progressToken'];
    const owner =
      token === undefined ? undefined : [...this.asked.values()].find((each) => each.progressToken === token);
    if (owner) return owner.isModern ? MODERN : legacy;
    return this.negotiated ?? this.assumed ?? MODERN;
  }
}

function messagesIn(frame: unknown): readonly Message[] {
  const members: readonly unknown[] = Array.isArray(frame) ? frame : [frame];
  return members.filter((member): member is Message => typeof member === 'object' && member !== null);
}

function metaOf({ params }: Message): Json {
  const meta = typeof params === 'object' && params !== null ? params['_meta'] : undefined;
  return typeof meta === 'object' && meta !== null ? (meta as Json) : {};
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
