import type { Message } from '../support/messages.js';
import type { Asked, Coming, MemoryHttp } from '../support/memory-http.js';

/** A message, and the event that it came in, where it came in one that has an id. */
export interface Arrival {
  readonly eventId: string | undefined;
  readonly message: Message;
}

interface Event {
  readonly id: string | undefined;
  readonly message: Message | undefined;
}

/** One HTTP request of a client, and all that the client has seen of its answer. */
export class Line {
  private coming: Coming | undefined;
  private hasFailed = false;
  private hasLeft = false;
  private hasEnded = false;
  private readonly leaveNow: () => void;
  private seenBefore: ReadonlySet<string> = new Set();
  private readonly read: Event[] = [];
  private readTo = 0;

  constructor(http: MemoryHttp, asked: Asked) {
    const { head, leave } = http.start(asked);
    this.leaveNow = leave;
    head.then(
      (coming) => {
        this.coming = coming;
        void coming.ended.then(() => (this.hasEnded = true));
      },
      () => (this.hasFailed = true),
    );
  }

  /** HTTP status, once it is there. */
  get status(): number | undefined {
    return this.coming?.status;
  }

  /** Whether nothing more comes. */
  get isOver(): boolean {
    return this.hasFailed || this.hasEnded || this.hasLeft;
  }

  header(name: string): string | undefined {
    const value = this.coming?.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** All that came, as it came. */
  get text(): string {
    return this.coming?.text() ?? '';
  }

  get arrivals(): readonly Arrival[] {
    if (this.isEvents) return this.events.flatMap(({ id, message }) => (message ? [{ eventId: id, message }] : []));
    const isWhole = this.text !== '' && this.isOver;
    return isWhole ? [{ eventId: undefined, message: parse(this.text) }] : [];
  }

  /** By which the client can come back for what it has not seen. */
  get lastEventId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  /** Notes what the client had seen when it came back: none of that may come again. */
  follows(lines: readonly Line[]): void {
    this.seenBefore = new Set(lines.flatMap((line) => line.events.flatMap(({ id }) => id ?? [])));
  }

  /** Ids of events that came again although the client had named a later one. */
  get repeated(): readonly string[] {
    return this.events.flatMap(({ id }) => (id !== undefined && this.seenBefore.has(id) ? [id] : []));
  }

  leave(): void {
    this.hasLeft = true;
    this.leaveNow();
  }

  private get isEvents(): boolean {
    return this.header('content-type') === 'text/event-stream';
  }

  /** The events that are whole; each is read once. */
  private get events(): readonly Event[] {
    if (!this.isEvents) return [];
    const { text } = this;
    for (let end = text.indexOf('\n\n', this.readTo); end >= 0; end = text.indexOf('\n\n', this.readTo)) {
      const event = text.slice(this.readTo, end);
      const [, data = ''] = /^data: (.*)$/m.exec(event) ?? [];
      this.read.push({ id: /^id: (.*)$/m.exec(event)?.[1], message: data.trim() === '' ? undefined : parse(data) });
      this.readTo = end + 2;
    }
    return this.read;
  }
}

/** What came over several lines of one stream: an event that came twice, as a client that comes back may ask for, once. */
export function arrivalsOf(lines: readonly Line[]): readonly Message[] {
  const seen = new Set<string>();
  return lines.flatMap((line) =>
    line.arrivals.flatMap(({ eventId, message }) => {
      if (eventId !== undefined && seen.has(eventId)) return [];
      if (eventId !== undefined) seen.add(eventId);
      return [message];
    }),
  );
}

function parse(text: string): Message {
  return JSON.parse(text) as Message;
}
