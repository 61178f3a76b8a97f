import type { EventLog, EventRetention } from '../../store/index.js';

/** What a journal is made of. */
export interface JournalParts {
  readonly log: EventLog;
  /** Of the stream in the log. */
  readonly name: string;
  readonly retention: EventRetention;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Is told that there is more in the log. */
  readonly onWritten: () => void;
}

/** What is done once all that was noted by then is in the log. */
interface Waiting {
  /** How much had been noted. */
  readonly noted: number;
  readonly act: () => void;
}

/**
 * Writes one stream down for whoever comes back to it at another replica. A client is sent nothing that is not in the log,
 * so that no replica that ends takes with it what a client knows of. What cannot be written is lost to other replicas
 * alone: it is sent, and kept in this process, all the same (D-23).
 */
export class StreamJournal {
  private touchedAt: number;
  /** Writes that have begun, and how many of them, from the first, are over: the log takes them in order. */
  private noted = 0;
  private settled = 0;
  private readonly waiting: Waiting[] = [];

  constructor(private readonly parts: JournalParts) {
    this.touchedAt = parts.now();
  }

  get name(): string {
    return this.parts.name;
  }

  open(about: string): void {
    const { log, name, retention } = this.parts;
    this.note(log.open(name, about, retention));
  }

  append(sequence: number, text: string): void {
    const { log, name, retention } = this.parts;
    this.note(log.append({ stream: name, sequence, text }, retention));
  }

  end(): void {
    const { log, name, retention } = this.parts;
    this.note(log.end(name, retention));
  }

  /** Keeps what is there while the stream is quiet and lives. */
  keep(): void {
    const { log, name, retention, now } = this.parts;
    if (now() - this.touchedAt >= retention.maxAgeMs / 3) this.note(log.keep(name, retention));
  }

  /** Acts once all that was noted so far is in the log, or cannot be: at once where it is; always in order. */
  after(act: () => void): void {
    if (this.settled === this.noted) act();
    else this.waiting.push({ noted: this.noted, act });
  }

  private note(written: Promise<void>): void {
    this.touchedAt = this.parts.now();
    this.noted += 1;
    const { noted } = this;
    const settle = (): void => {
      this.settled = Math.max(this.settled, noted);
      while (this.waiting[0] && this.waiting[0].noted <= this.settled) this.waiting.shift()?.act();
    };
    // That the store is away is told of once for all, and one line for each event would not help.
    written.then(this.parts.onWritten, () => undefined).finally(settle);
  }
}
