import { printable } from '../common/index.js';

/** Where a session came from: for people to read, never to decide by (S3-2). */
export interface SessionOrigin {
  /** The door through which it was opened, or last found. */
  readonly door: string;
  /** Address of the client, behind trusted proxies. */
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** Characters kept of a User-Agent. */
export const MAX_USER_AGENT_CHARS = 256;

/** @returns a copy of what is kept of an origin */
export function keptOrigin({ door, address, userAgent }: SessionOrigin): SessionOrigin {
  return {
    door,
    ...(address !== undefined && { address }),
    // By way of bytes: a slice alone would keep the whole header alive.
    ...(userAgent !== undefined && {
      userAgent: Buffer.from(printable(userAgent, MAX_USER_AGENT_CHARS)).toString(),
    }),
  };
}
