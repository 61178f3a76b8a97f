import { encodeNotification, rulesOf } from '../protocol/index.js';
import type { Session } from '../session/index.js';
import { type CallReply, LOG_SEVERITIES, type LogSeverity } from '../tools/index.js';
import type { Exchange } from './exchange.js';

/** Least severe log message that is sent while the client has set no level. */
const DEFAULT_LOG_LEVEL: LogSeverity = 'info';

const SEVERITY: ReadonlyMap<string, number> = new Map(LOG_SEVERITIES.map((level, rank) => [level, rank]));

/** Turns what a handler tells its caller into notifications of the request that it serves. */
export class ExchangeReply implements CallReply {
  private lastProgress = Number.NEGATIVE_INFINITY;

  /** @param progressToken of `params._meta`, where the caller gave one */
  constructor(
    private readonly exchange: Exchange,
    private readonly session: Session,
    private readonly progressToken: string | number | undefined,
  ) {}

  get wantsProgress(): boolean {
    return this.progressToken !== undefined;
  }

  /** The specification demands that progress grows: a step that does not is dropped. */
  progress(progress: number, total: number | undefined, message: string | undefined): void {
    if (!(progress > this.lastProgress)) return;
    this.lastProgress = progress;
    const withMessage = message !== undefined && rulesOf(this.session.revision).toolAnnotations;
    this.exchange.send(
      encodeNotification('notifications/progress', {
        progressToken: this.progressToken,
        progress,
        ...(total !== undefined && { total }),
        ...(withMessage && { message }),
      }),
    );
  }

  log(level: string, data: unknown, logger: string | undefined): void {
    const least = SEVERITY.get(this.session.logLevel ?? DEFAULT_LOG_LEVEL) ?? 0;
    if ((SEVERITY.get(level) ?? -1) < least) return;
    this.exchange.send(
      encodeNotification('notifications/message', { level, ...(logger !== undefined && { logger }), data }),
    );
  }
}
