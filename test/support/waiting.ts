import { setTimeout as pause } from 'node:timers/promises';

/** How long a test waits for what must happen, ms: long for a machine that is busy with other things. */
export const PATIENCE_MS = 15_000;

const POLL_MS = 20;

/** @returns what the promise gives; rejects when it takes too long, saying what was waited for */
export async function within<T>(promise: Promise<T>, what: string, timeoutMs = PATIENCE_MS): Promise<T> {
  const stop = new AbortController();
  const late = pause(timeoutMs, undefined, { signal: stop.signal }).then(
    () => Promise.reject(new Error(`Waited ${timeoutMs} ms in vain for ${what}`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

/**
 * Asks again and again until there is an answer: for what nobody tells of itself.
 * @param ask gives undefined, false or an empty text while it is not so yet
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  what: string,
  timeoutMs = PATIENCE_MS,
): Promise<Exclude<Awaited<T>, undefined | false | ''>> {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false && answer !== '') {
      return answer as Exclude<Awaited<T>, undefined | false | ''>;
    }
    if (performance.now() > endsAt) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await pause(POLL_MS);
  }
}
