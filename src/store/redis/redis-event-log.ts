import { EventLog, type EventRetention, type LoggedEvents, type StreamEvent } from '../event-log.js';
import type { RedisClient } from './redis-client.js';

const TEXT = 't';
const END = 'e';
const ABOUT = 'o';
const FIRST = '0-1';

/** Streams of Redis, bounded by length and age: `<prefix>e:<stream>`, ids `<sequence>-1`, the opening as `0-1`, the end as `<huge>-1`. */
export class RedisEventLog extends EventLog {
  override readonly isShared = true;

  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
  ) {
    super();
  }

  override open(stream: string, about: string, retention: EventRetention): Promise<void> {
    return this.add(stream, FIRST, [ABOUT, about], retention);
  }

  override async keep(stream: string, { maxAgeMs }: EventRetention): Promise<void> {
    await this.client.run((redis) => redis.pexpire(this.nameOf(stream), maxAgeMs));
  }

  override append({ stream, sequence, text }: StreamEvent, retention: EventRetention): Promise<void> {
    return this.add(stream, `${sequence}-1`, [TEXT, text], retention);
  }

  override end(stream: string, retention: EventRetention): Promise<void> {
    return this.add(stream, `${Number.MAX_SAFE_INTEGER}-1`, [END, ''], retention);
  }

  override async read(stream: string, after: number): Promise<LoggedEvents | undefined> {
    const name = this.nameOf(stream);
    const [known, [opening], entries] = await this.client.run((redis) =>
      Promise.all([redis.exists(name), redis.xrange(name, FIRST, FIRST), redis.xrange(name, `${after + 1}`, '+')]),
    );
    if (known === 0) return undefined;
    const events = entries.flatMap(([id, [field, text = '']]) =>
      field === TEXT ? [{ sequence: Number(id.split('-')[0]), text }] : [],
    );
    return { about: opening?.[1][1], events, isOver: entries.at(-1)?.[1][0] === END };
  }

  override async forget(stream: string): Promise<void> {
    await this.client.run((redis) => redis.unlink(this.nameOf(stream)));
  }

  private async add(
    stream: string,
    id: string,
    fields: readonly [string, string],
    { maxEvents, maxAgeMs }: EventRetention,
  ): Promise<void> {
    const name = this.nameOf(stream);
    // One pipeline of its own accord: both are sent in one turn.
    await this.client.run((redis) =>
      Promise.all([redis.xadd(name, 'MAXLEN', '~', maxEvents, id, ...fields), redis.pexpire(name, maxAgeMs)]),
    );
  }

  private nameOf(stream: string): string {
    return `${this.prefix}e:${stream}`;
  }
}
