/** What a stream of events holds for whoever comes back to it at another replica. */
export interface LoggedEvents {
  /** What was noted when the stream was opened; undefined where that was pushed out by what came since. */
  readonly about: string | undefined;
  /** In order of their sequence. */
  readonly events: readonly { readonly sequence: number; readonly text: string }[];
  /** Whether nothing more comes. */
  readonly isOver: boolean;
}

/** How much of a stream is kept. */
export interface EventRetention {
  /** >= 1 */
  readonly maxEvents: number;
  /** ms, >= 1 */
  readonly maxAgeMs: number;
}

/** One event of a stream. */
export interface StreamEvent {
  /** Names the stream, unguessable. */
  readonly stream: string;
  /** Grows by one with each event of the stream, from 1. */
  readonly sequence: number;
  readonly text: string;
}

/**
 * Events of streams, where other replicas find them. Without other replicas nothing needs to be written: a stream keeps
 * its own events.
 */
export abstract class EventLog {
  /** Whether there may be other replicas. */
  abstract readonly isShared: boolean;

  /** Makes a stream known before there is any event. @param about any text @throws ProtocolError store_unavailable */
  abstract open(stream: string, about: string, retention: EventRetention): Promise<void>;

  /** Keeps a stream that is known for as long again. @throws ProtocolError store_unavailable */
  abstract keep(stream: string, retention: EventRetention): Promise<void>;

  /**
   * Writes one event; resolves when it is in the log.
   * @throws ProtocolError store_unavailable
   */
  abstract append(event: StreamEvent, retention: EventRetention): Promise<void>;

  /** Notes that nothing more comes. */
  abstract end(stream: string, retention: EventRetention): Promise<void>;

  /** @returns what follows an event; undefined when the stream is unknown or forgotten */
  abstract read(stream: string, after: number): Promise<LoggedEvents | undefined>;

  /** Forgets a stream, which need not exist. */
  abstract forget(stream: string): Promise<void>;
}

/** The log of a process that is alone. */
export class NoEventLog extends EventLog {
  override readonly isShared = false;

  override async open(): Promise<void> {
    return undefined;
  }

  override async keep(): Promise<void> {
    return undefined;
  }

  override async append(): Promise<void> {
    return undefined;
  }

  override async end(): Promise<void> {
    return undefined;
  }

  override async read(): Promise<undefined> {
    return undefined;
  }

  override async forget(): Promise<void> {
    return undefined;
  }
}
