import { Action, pick } from './action.js';
import type { Line } from './line.js';
import { type Caller, isDoubtful, type Model, SHARED_URI, type Stream } from './model.js';
import type { ModelWorld } from './model-world.js';
import { ask, send } from './talk.js';

const MAX_STREAMS = 3;

/** A client opens a stream for what the server says unasked. */
export class Listen extends Action {
  constructor(private readonly who: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const caller = this.find(model) as Caller;
    const tag = caller.isModern ? `listen ${model.nextNumber()}` : undefined;
    const standing = caller.standing(world.now);
    const line = tag === undefined ? send(model, world, caller, { method: 'GET' }) : listen(model, world, caller, tag);
    model.awaited.push(line);
    const stream: Stream = { lines: [line], expected: [], awaySince: undefined, tag };
    if (standing === 'bad') return;
    caller.streams.push(stream);
    caller.touchedIn = model.batch;
    model.afterwards(() => {
      // One that was left before it opened may be there all the same, unknown to its client.
      if (line.status === 200 || stream.awaySince !== undefined) return;
      const isExcused = caller.fate !== 'live' || model.admits > 0 || caller.deletedIn === model.batch;
      if (!isExcused) throw new Error(`A stream of ${caller.secret} was refused with ${line.status}`);
      caller.streams = caller.streams.filter((each) => each !== stream);
    });
  }

  override toString(): string {
    return `listen(${this.who})`;
  }

  private find(model: Model): Caller | undefined {
    return pick(
      model.senders.filter(({ streams }) => streams.length < MAX_STREAMS),
      this.who,
    );
  }
}

function listen(model: Model, world: ModelWorld, caller: Caller, id: string): Line {
  const notifications = { toolsListChanged: true, resourceSubscriptions: [caller.ownUri, SHARED_URI] };
  return ask(model, world, caller, { id, method: 'subscriptions/listen', params: { notifications } });
}

/** The connection of such a stream breaks. */
export class LeaveStream extends Action {
  constructor(private readonly which: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const [caller, stream] = this.find(model) as [Caller, Stream];
    for (const line of stream.lines) line.leave();
    stream.awaySince = world.now;
    caller.movedIn = model.batch;
    // Nobody can come back to a listener of the modern era.
    if (caller.isModern) caller.streams = caller.streams.filter((each) => each !== stream);
  }

  override toString(): string {
    return `leave stream(${this.which})`;
  }

  private find({ callers }: Model): [Caller, Stream] | undefined {
    const streams = callers.flatMap((caller) => caller.streams.map((stream): [Caller, Stream] => [caller, stream]));
    return pick(
      streams.filter(([, { awaySince }]) => awaySince === undefined),
      this.which,
    );
  }
}

/** A client comes back to a stream. */
export class ResumeStream extends Action {
  constructor(private readonly which: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const [caller, stream] = this.find(model) as [Caller, Stream];
    const line = send(model, world, caller, {
      method: 'GET',
      headers: { 'last-event-id': lastEventIdOf(stream) as string },
    });
    line.follows(stream.lines);
    stream.lines.push(line);
    stream.awaySince = undefined;
    caller.movedIn = model.batch;
    model.awaited.push(line);
  }

  override toString(): string {
    return `resume stream(${this.which})`;
  }

  private find({ callers }: Model): [Caller, Stream] | undefined {
    const streams = callers.flatMap((caller) => caller.streams.map((stream): [Caller, Stream] => [caller, stream]));
    return pick(
      streams.filter(
        ([{ fate, isModern }, stream]) =>
          fate === 'live' && !isModern && lastEventIdOf(stream) !== undefined && !isDoubtful(stream),
      ),
      this.which,
    );
  }
}

function lastEventIdOf({ lines }: Stream): string | undefined {
  return lines.findLast(({ lastEventId }) => lastEventId !== undefined)?.lastEventId;
}

/** A client wants to know of changes of a document, or no longer. */
export class Subscribe extends Action {
  constructor(
    private readonly who: number,
    private readonly what: 'own' | 'shared',
    private readonly method: 'resources/subscribe' | 'resources/unsubscribe',
  ) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const caller = this.find(model) as Caller;
    const uri = this.what === 'own' ? caller.ownUri : SHARED_URI;
    const id = `subscribe ${model.nextNumber()}`;
    const line = ask(model, world, caller, { id, method: this.method, params: { uri } });
    model.awaited.push(line);
    caller.touchedIn = model.batch;
    model.afterwards(() => {
      if (line.status !== 200) return;
      if (this.method === 'resources/subscribe') caller.subscriptions.add(uri);
      else caller.subscriptions.delete(uri);
    });
  }

  override toString(): string {
    return `${this.method}(${this.who}, ${this.what})`;
  }

  private find({ senders }: Model): Caller | undefined {
    return pick(
      senders.filter(({ isModern }) => !isModern),
      this.who,
    );
  }
}

/** A document changes: the one of a client, or the one of all. */
export class Update extends Action {
  constructor(private readonly whose: number | 'shared') {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.whose === 'shared' || model.senders.length > 0;
  }

  override act(model: Model, world: ModelWorld): void {
    const { whose } = this;
    const wanting = model.senders.filter(({ isModern, subscriptions }) => isModern || subscriptions.size > 0);
    const someone = whose === 'shared' ? undefined : (pick(wanting, whose) ?? pick(model.senders, whose));
    const uri = someone?.ownUri ?? SHARED_URI;
    for (const caller of model.callers) {
      const wants = caller.isModern ? uri === SHARED_URI || uri === caller.ownUri : caller.subscriptions.has(uri);
      if (wants || caller.touchedIn === model.batch) model.tell(caller, uri);
    }
    world.update(uri);
  }

  override toString(): string {
    return `update(${this.whose})`;
  }
}

/** A tool is switched on or off: once in a batch, as changes that come together are told once. */
export class Toggle extends Action {
  override isPossible({ batch, toggledIn }: Model): boolean {
    return toggledIn !== batch || batch === 0;
  }

  override act(model: Model, world: ModelWorld): void {
    model.toggledIn = model.batch;
    for (const caller of model.callers) model.tell(caller, 'tools');
    world.toggle();
  }

  override toString(): string {
    return 'toggle';
  }
}
