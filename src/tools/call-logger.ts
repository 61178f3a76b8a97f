import { Logger } from '@nestjs/common';
import type { CallScope } from './call-scope.js';

/** Facts beside the text of a log line: never a secret. */
export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes to the server's log in the name of one call. */
export interface CallLogger {
  debug(message: string, facts?: LogFacts): void;
  log(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
}

const logger = new Logger('Call');

/** What every line of a call carries, so that it is found by either (S3-11). */
export function callFacts({ origin }: CallScope): LogFacts {
  const { requestId, sessionHash } = origin;
  return sessionHash === undefined ? { requestId } : { requestId, session: sessionHash };
}

/** The server's log, for one call. */
export class ScopedCallLogger implements CallLogger {
  constructor(private readonly scope: CallScope) {}

  debug(message: string, facts?: LogFacts): void {
    logger.debug(this.line(message, facts));
  }

  log(message: string, facts?: LogFacts): void {
    logger.log(this.line(message, facts));
  }

  warn(message: string, facts?: LogFacts): void {
    logger.warn(this.line(message, facts));
  }

  error(message: string, facts?: LogFacts): void {
    logger.error(this.line(message, facts));
  }

  /** What a call says of itself cannot take the place of what is known of it. */
  private line(msg: string, facts: LogFacts = {}): LogFacts {
    return { ...facts, msg, ...callFacts(this.scope) };
  }
}
