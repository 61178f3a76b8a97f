import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EventLog, StreamEvent } from '../../store/index.js';
import type { EventStream } from './event-stream.js';
import { ResumableStream } from './resumable-stream.js';
import { StreamJournal } from './stream-journal.js';

/** One write on its way to a log, which a test lets arrive or fail. */
interface Write {
  readonly what: string;
  readonly arrive: () => void;
  readonly fail: () => void;
}

let writes: Write[];

function write(what: string): Promise<void> {
  return new Promise((resolve, reject) =>
    writes.push({ what, arrive: resolve, fail: () => reject(new Error('away')) }),
  );
}

const LOG = {
  open: () => write('open'),
  append: ({ text }: StreamEvent) => write(text),
  end: () => write('end'),
  keep: () => write('keep'),
} as unknown as EventLog;

class Connection {
  readonly got: string[] = [];
  isOpen = true;

  get sink(): EventStream {
    return this as unknown as EventStream;
  }

  prime(id: string): void {
    this.take(id);
  }

  message(text: string): void {
    this.take(text);
  }

  retryAfter(): void {
    this.take('retry');
  }

  end(): void {
    this.isOpen = false;
  }

  private take(text: string): void {
    if (this.isOpen) this.got.push(text);
  }
}

function streamOf(maxEvents = 10): ResumableStream {
  const retention = { maxEvents, maxAgeMs: 1_000 };
  const now = (): number => 0;
  const journal = new StreamJournal({ log: LOG, name: 'n', retention, now, onWritten: () => undefined });
  journal.open('[]');
  return new ResumableStream({ id: 's', journal, primes: true, retention, now, onSize: () => undefined });
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function arrives(what: string): Promise<void> {
  writes.find((one) => one.what === what)?.arrive();
  await settled();
}

describe('a stream that other replicas may go on with', () => {
  let stream: ResumableStream;
  let first: Connection;

  beforeEach(() => {
    writes = [];
    stream = streamOf();
    first = new Connection();
    stream.open(first.sink);
  });

  it('D-6 sends nothing that the log has not got: whoever was sent it may ask for it at any replica', async () => {
    stream.message('a');
    stream.message('b');
    await settled();
    expect([first.got, writes.map(({ what }) => what)]).toEqual([[], ['open', 'a', 'b']]);
    await arrives('open');
    expect(first.got).toEqual(['s-0']);
    await arrives('a');
    expect(first.got).toEqual(['s-0', 'a']);
    stream.end();
    await settled();
    expect([first.got, first.isOpen]).toEqual([['s-0', 'a'], true]);
    await arrives('b');
    // That nothing more comes need not be in the log before the client knows.
    expect([first.got, first.isOpen, stream.isAttached]).toEqual([['s-0', 'a', 'b'], false, false]);
  });

  it('D-23 sends what cannot be written all the same, in order', async () => {
    stream.message('a');
    stream.message('b');
    // The connection is gone: what comes after is refused at once, what is on its way a moment later.
    writes.find(({ what }) => what === 'b')?.fail();
    await settled();
    for (const { fail } of writes) fail();
    await settled();
    expect(first.got).toEqual(['s-0', 'a', 'b']);
    stream.message('c');
    writes.at(-1)?.fail();
    await settled();
    expect(first.got).toEqual(['s-0', 'a', 'b', 'c']);
  });

  it('gives a client that comes back meanwhile nothing twice, and all that it missed', async () => {
    stream = streamOf(1);
    first = new Connection();
    stream.open(first.sink);
    for (const { arrive } of writes) arrive();
    await settled();
    stream.message('a');
    stream.message('b');
    const second = new Connection();
    stream.resume(second.sink, 1);
    // By then the stream keeps only the newest: what was missed is still sent.
    stream.message('c');
    await settled();
    for (const what of ['a', 'b', 'c']) await arrives(what);
    expect([first.got, second.got]).toEqual([['s-0'], ['b', 'c']]);
  });

  it('sends a client away after what it was sent before', async () => {
    stream.message('a');
    stream.release();
    expect(first.isOpen).toBe(true);
    for (const what of ['open', 'a']) await arrives(what);
    expect([first.got, first.isOpen]).toEqual([['s-0', 'a', 'retry'], false]);
  });

  it('lets a connection that comes before the end of another keep its place', async () => {
    stream.message('a');
    stream.release();
    const second = new Connection();
    stream.resume(second.sink, 0);
    for (const what of ['open', 'a']) await arrives(what);
    stream.message('b');
    await arrives('b');
    expect([second.got, second.isOpen]).toEqual([['a', 'b'], true]);
  });
});
