import { Action, pick } from './action.js';
import { Call, type CallTerms, type Caller, type Model, outcomeOf } from './model.js';
import type { ModelWorld } from './model-world.js';
import { end } from './session.actions.js';
import { ask, send, tell } from './talk.js';

/** Earlier clients have no forms, whatever they declare. */
const FIRST_THAT_ASKS = '2025-06-18';

/** A client calls a tool. */
export class CallTool extends Action {
  constructor(
    private readonly who: number,
    private readonly tool: Exclude<CallTerms['tool'], 'job'>,
    private readonly options: { readonly tells: boolean; readonly isStubborn: boolean },
  ) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const caller = this.find(model) as Caller;
    const isCrowded = model.mayBeCrowded(caller, this.tool);
    const call = begin(model, world, { caller, tool: this.tool, isStubborn: this.options.isStubborn });
    const args = { key: call.terms.key, ...(this.tool === 'slow' && this.options) };
    const params = { name: this.tool, arguments: args, _meta: { progressToken: call.terms.key } };
    const line = ask(model, world, caller, { id: call.terms.id, method: 'tools/call', params });
    call.lines.push(line);
    this.expect(model, world, call);
    if (isCrowded) call.giveUp('server_busy');
    if (call.isDone) model.awaited.push(line);
  }

  override toString(): string {
    const { tells, isStubborn } = this.options;
    const how = this.tool === 'slow' ? `${tells ? ', tells' : ''}${isStubborn ? ', stubborn' : ''}` : '';
    return `call(${this.who}, ${this.tool}${how})`;
  }

  private expect(model: Model, world: ModelWorld, call: Call): void {
    const { caller } = call.terms;
    expectStanding(model, world, call);
    if (this.tool === 'slow') return;
    if (this.tool === 'ask' && !caller.isModern) {
      if (caller.revision < FIRST_THAT_ASKS)
        [call.allowed, call.isDone] = [call.allowed.add('missing_capability'), true];
      return;
    }
    call.isDone = true;
    if (this.tool === 'ask') call.allowed.add('input_required');
    else if (this.tool === 'plain') call.allowed.add('result');
    else {
      // Whether it is on when the request is served, is sure only when it is not switched meanwhile.
      const isOn = world.isSwitchedOn;
      call.allowed.add(isOn ? 'result' : 'tool_disabled');
      model.afterwards(() => {
        if (model.toggledIn === model.batch) call.allowed.add('result').add('tool_disabled');
      });
    }
  }

  private find(model: Model): Caller | undefined {
    return pick(model.senders, this.who);
  }
}

/** The work of a call is done. */
export class Finish extends Action {
  constructor(private readonly which: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const call = this.find(model) as Call;
    finish(call, world);
  }

  override toString(): string {
    return `finish(${this.which})`;
  }

  private find(model: Model): Call | undefined {
    const calls = model.calls.filter(
      ({ terms, isDone, isClosed, isOpen }) =>
        terms.tool === 'slow' && !isClosed && (isOpen || terms.isStubborn === true) && !isDone,
    );
    return pick(calls, this.which);
  }
}

/** Lets the work of a call be done, if it has begun. */
export function finish(call: Call, world: ModelWorld): void {
  const { key } = call.terms;
  if (!world.work.isRunning(key)) return;
  world.work.finish(key);
  if (call.isOpen) call.allowed.add('result');
  call.isDone = true;
}

/** A client wants an answer no more: it says so, or in the modern era goes away. */
export class Cancel extends Action {
  constructor(private readonly which: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const call = this.find(model) as Call;
    const { caller, id } = call.terms;
    if (caller.isModern) {
      leave(call, model, world);
      return;
    }
    const message = { method: 'notifications/cancelled', params: { requestId: id, reason: 'changed my mind' } };
    const line = tell(model, world, caller, message);
    model.awaited.push(line);
    call.giveUp();
    model.afterwards(() => {
      if (line.status === 202 && !call.isAnswered) end(call);
    });
  }

  override toString(): string {
    return `cancel(${this.which})`;
  }

  private find({ calls }: Model): Call | undefined {
    return pick(
      calls.filter(({ isOpen }) => isOpen),
      this.which,
    );
  }
}

/** The connection of a call breaks. */
export class Disconnect extends Action {
  constructor(private readonly which: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    leave(this.find(model) as Call, model, world);
  }

  override toString(): string {
    return `disconnect(${this.which})`;
  }

  private find({ calls }: Model): Call | undefined {
    return pick(
      calls.filter(({ isOpen, awaySince }) => isOpen && awaySince === undefined),
      this.which,
    );
  }
}

function leave(call: Call, model: Model, world: ModelWorld): void {
  for (const line of call.lines) line.leave();
  call.awaySince ??= world.now;
  // The request may not even have arrived.
  const isFresh = call.lines.some((line) => model.awaited.includes(line) || line.status === undefined);
  if (call.terms.caller.isModern) {
    call.giveUp();
    model.afterwards(() => {
      if (!call.isAnswered) end(call);
    });
  } else if (isFresh || call.lastEventId === undefined) call.giveUp('session_not_found');
}

/** A client comes back for the answer to a call. */
export class ResumeCall extends Action {
  constructor(private readonly which: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    resume(this.find(model) as Call, model, world);
  }

  override toString(): string {
    return `resume(${this.which})`;
  }

  private find({ calls }: Model): Call | undefined {
    return pick(calls.filter(isResumable), this.which);
  }
}

/** Whether a client can come back for the answer. */
export function isResumable({ terms, isAnswered, isLosable, isClosed, lastEventId }: Call): boolean {
  return terms.caller.fate === 'live' && !isAnswered && !isLosable && !isClosed && lastEventId !== undefined;
}

export function resume(call: Call, model: Model, world: ModelWorld): void {
  const { caller } = call.terms;
  const line = send(model, world, caller, { method: 'GET', headers: { 'last-event-id': call.lastEventId as string } });
  line.follows(call.lines);
  call.lines.push(line);
  call.awaySince = undefined;
  model.awaited.push(line);
  if (model.admits > 0 || caller.deletedIn === model.batch) call.giveUp();
}

/** A client answers what it was asked. */
export class Answer extends Action {
  constructor(
    private readonly which: number,
    private readonly how: 'accept' | 'error' | 'as a stranger',
    private readonly stranger: number,
  ) {
    super();
  }

  override isPossible(model: Model): boolean {
    const call = this.find(model);
    return call !== undefined && (this.how !== 'as a stranger' || this.strangerTo(call, model) !== undefined);
  }

  override act(model: Model, world: ModelWorld): void {
    const call = this.find(model) as Call;
    const caller = this.how === 'as a stranger' ? (this.strangerTo(call, model) as Caller) : call.terms.caller;
    if (call.terms.caller.isModern) this.goOn(call, caller, model, world);
    else this.answer(call, caller, model, world);
  }

  override toString(): string {
    return `answer(${this.which}, ${this.how}${this.how === 'as a stranger' ? ` ${this.stranger}` : ''})`;
  }

  private answer(call: Call, caller: Caller, model: Model, world: ModelWorld): void {
    const { id } = call.question as { id: string };
    const content = { word: `word of ${call.terms.key}` };
    const outcome =
      this.how === 'error' ? { error: { code: -1, message: 'No time' } } : { result: { action: 'accept', content } };
    const line = tell(model, world, caller, { id, ...outcome });
    model.awaited.push(line);
    if (caller !== call.terms.caller) return;
    call.allowed.add(this.how === 'error' ? 'tool_failed' : 'result');
    call.isDone = true;
  }

  /** The next round of a modern call: of the one who was asked it is served once, of anyone else never. */
  private goOn(call: Call, caller: Caller, model: Model, world: ModelWorld): void {
    const [answer] = call.answers;
    const round = begin(model, world, { caller, tool: 'ask', key: call.terms.key });
    const word =
      this.how === 'error'
        ? { action: 'decline' }
        : { action: 'accept', content: { word: `word of ${call.terms.key}` } };
    const params = {
      name: 'ask',
      arguments: { key: call.terms.key },
      inputResponses: { word },
      requestState: answer?.result?.['requestState'],
    };
    const line = ask(model, world, caller, { id: round.terms.id, method: 'tools/call', params: params });
    round.lines.push(line);
    round.isDone = true;
    model.awaited.push(line);
    if (caller.principal !== call.terms.caller.principal) {
      round.allowed.add('invalid_state');
      return;
    }
    // Who comes first is served; who is not served because the other left first, nobody can tell.
    const others = call.rounds.filter(({ terms }) => terms.caller.principal === caller.principal);
    const isFirst = others.length === 0;
    const isFresh = world.now - call.terms.startedAt < STATE_LIVES_MS;
    if (isFresh) round.allowed.add('result');
    if (!isFirst || !isFresh) round.allowed.add('invalid_state');
    call.rounds.push(round);
    model.afterwards(() => {
      const results = call.rounds.filter(({ answers }) => answers.some((each) => outcomeOf(each) === 'result'));
      if (results.length > 1) throw new Error(`The last round of ${call.terms.key} was served ${results.length} times`);
      const isLost = call.rounds.some(({ isAnswered }) => !isAnswered);
      if (isFresh && results.length === 0 && !isLost) throw new Error(`No last round of ${call.terms.key} was served`);
    });
  }

  private find({ calls }: Model): Call | undefined {
    const asked = calls.filter(({ terms, question, isDone, isOpen, answers, isLosable }) => {
      if (terms.tool !== 'ask') return false;
      if (terms.caller.isModern) return answers.some((answer) => outcomeOf(answer) === 'input_required');
      return terms.caller.fate === 'live' && question !== undefined && isOpen && !isDone && !isLosable;
    });
    return pick(asked, this.which);
  }

  /** Someone of another session, and in the modern era, which has none, another principal. */
  private strangerTo({ terms: { caller } }: Call, { senders }: Model): Caller | undefined {
    const others = senders.filter(
      (other) =>
        other !== caller &&
        other.isModern === caller.isModern &&
        (!other.isModern || other.principal !== caller.principal),
    );
    return pick(others, this.stranger);
  }
}

/** How long a client may take for the next round, ms. */
const STATE_LIVES_MS = 600_000;

interface Begun {
  readonly caller: Caller;
  readonly tool: CallTerms['tool'];
  readonly key?: string;
  readonly isStubborn?: boolean;
}

export function begin(model: Model, world: ModelWorld, { caller, tool, key, isStubborn = false }: Begun): Call {
  const number = model.nextNumber();
  const call = new Call({
    caller,
    tool,
    isStubborn,
    id: `call ${number}`,
    key: key ?? `${caller.secret}/${number}`,
    startedAt: world.now,
    process: model.process,
  });
  model.calls.push(call);
  return call;
}

/** A call in a session that is over, or may be, is told so. */
function expectStanding(model: Model, world: ModelWorld, call: Call): void {
  const { caller } = call.terms;
  const standing = caller.standing(world.now);
  if (caller.deletedIn === model.batch || standing === 'unsure') call.giveUp('session_not_found');
  if (caller.fate === 'dormant') call.allowed.add('session_limit');
  if (standing === 'bad') [call.isDone, call.allowed] = [true, new Set(['session_not_found'])];
  model.afterwards(() => {
    // It gave way to another of the same moment, or could not come back.
    if (caller.fate !== 'live' && standing !== 'bad') call.giveUp('session_not_found');
  });
}
