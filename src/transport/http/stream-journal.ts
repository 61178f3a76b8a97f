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

/**
 * Writes one stream down for whoever comes back to it at another replica. What cannot be written is lost to them alone:
 * it is sent, and kept in this process, all the same (D-23).
 */
export class StreamJournal {
  private touchedAt: number;

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

  private note(written: Promise<void>): void {
    this.touchedAt = this.parts.now();
    // That the store is away is told of once for all, and one line for each event would not help.
    written.then(this.parts.onWritten, () => undefined);
  }
}
