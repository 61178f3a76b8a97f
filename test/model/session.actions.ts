import { initializeParams } from '../support/messages.js';
import { Action, pick } from './action.js';
import { type Call, Caller, type Model, type Revision } from './model.js';
import { type ModelWorld, TERMS } from './model-world.js';
import { send } from './talk.js';
import { TASK_TTL_MS, TIMEOUT_MS } from './work.tools.js';

const MAX_CALLERS = 12;

/** A client comes. */
export class Connect extends Action {
  constructor(
    private readonly principal: string,
    private readonly revision: Revision,
  ) {
    super();
  }

  override isPossible({ callers }: Model): boolean {
    return callers.length < MAX_CALLERS;
  }

  override act(model: Model, world: ModelWorld): void {
    const caller = new Caller(model.nextNumber(), this.principal, this.revision);
    model.callers.push(caller);
    if (caller.isModern) return;
    const params = initializeParams(this.revision, { elicitation: {} });
    const line = send(model, world, caller, { body: { jsonrpc: '2.0', id: 'open', method: 'initialize', params } });
    model.awaited.push(line);
    model.admits += 1;
    caller.saw(world.now);
    caller.expiresAt = world.now + TERMS.maxAgeMs;
    caller.opening = line;
  }

  override toString(): string {
    return `connect(${this.principal}, ${this.revision})`;
  }
}

/** A client ends its session. */
export class Delete extends Action {
  constructor(private readonly who: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const caller = this.find(model) as Caller;
    const standing = caller.standing(world.now);
    const isFirst = caller.deletedIn !== model.batch;
    const line = send(model, world, caller, { method: 'DELETE' });
    model.awaited.push(line);
    caller.deletedIn = model.batch;
    const calls = model.openCallsOf(caller);
    for (const call of calls) call.giveUp('session_not_found');
    const admits = model.admits;
    model.afterwards(() => {
      const isSure = isFirst && standing === 'good' && model.admits === admits && admits === 0;
      if (isSure && line.status !== 204) throw new Error(`DELETE was answered with ${line.status}`);
      for (const call of calls) if (!call.isAnswered) end(call);
      if (line.status === 204) [caller.fate, caller.streams] = ['ended', []];
    });
  }

  override toString(): string {
    return `delete(${this.who})`;
  }

  private find(model: Model): Caller | undefined {
    return pick(
      model.senders.filter(({ isModern }) => !isModern),
      this.who,
    );
  }
}

/** Time passes. */
export class Pass extends Action {
  constructor(private readonly ms: number) {
    super();
  }

  override isPossible(): boolean {
    return true;
  }

  override async act(model: Model, world: ModelWorld): Promise<void> {
    const now = world.now + this.ms;
    for (const call of model.calls) passCall(call, now);
    for (const caller of model.callers) {
      caller.streams = caller.streams.filter(
        ({ awaySince }) => awaySince === undefined || now - awaySince < TERMS.resumeMs,
      );
      this.passSession(caller, now, model);
    }
    for (const task of model.tasks) if (now - task.createdAt >= TASK_TTL_MS) task.allowed = new Set(['unknown_task']);
    await world.pass(this.ms);
  }

  override toString(): string {
    return `pass(${this.ms} ms)`;
  }

  private passSession(caller: Caller, now: number, model: Model): void {
    if (caller.fate !== 'live' || caller.isModern) return;
    const isBusy =
      caller.streams.some(({ awaySince }) => awaySince === undefined) ||
      model.openCallsOf(caller).some(({ allowed, isLosable }) => !allowed.has('timeout') && !isLosable);
    const isOver = caller.expiresAt <= now || (!isBusy && now - caller.lastSeenAtMost > TERMS.timeoutMs);
    if (!isOver) {
      if (isBusy) caller.saw(now);
      else if (now - caller.lastSeenAt > TERMS.timeoutMs) caller.mayEndIn = model.batch;
      return;
    }
    for (const call of model.openCallsOf(caller)) {
      // One whose own time is up at the same moment is answered first.
      if (call.allowed.has('timeout')) continue;
      call.giveUp();
      end(call);
    }
    [caller.fate, caller.streams] = ['ended', []];
  }
}

/** The process ends, and another takes its place. */
export class Restart extends Action {
  override isPossible(): boolean {
    return true;
  }

  override async act(model: Model, world: ModelWorld): Promise<void> {
    for (const caller of model.callers) {
      caller.streams = [];
      if (caller.fate !== 'live' || caller.isModern) continue;
      if (model.isBusy(caller)) caller.saw(world.now);
      caller.fate = 'dormant';
    }
    for (const call of model.calls) {
      if (call.isOpen) call.giveUp('shutting_down', 'cancelled');
      call.isClosed = true;
      call.awaySince ??= world.now;
    }
    for (const task of model.tasks) {
      if (task.isOver) continue;
      task.isOver = true;
      task.allowed = new Set(task.allowed.has('unknown_task') ? ['unknown_task'] : ['failed']);
    }
    model.process += 1;
    const left = await world.restart();
    if (left.length > 0) throw new Error(`The process that ended still holds ${left.join(', ')}`);
  }

  override toString(): string {
    return 'restart';
  }
}

/** Notes that the work of a call was ended, and that its answer never comes. */
export function end(call: Call): void {
  call.mustEnd = true;
  call.allowed.clear();
}

function passCall(call: Call, now: number): void {
  if (!call.isOpen) {
    if (call.awaySince !== undefined && now - call.awaySince >= TERMS.resumeMs) call.isLosable = true;
    return;
  }
  const isTooLate = now - call.terms.startedAt >= TIMEOUT_MS && !call.isDone;
  const isAbandoned = call.awaySince !== undefined && now - call.awaySince >= TERMS.resumeMs;
  if (isTooLate) {
    call.allowed = new Set(['timeout']);
    call.isDone = true;
  }
  if (!isAbandoned) return;
  call.giveUp();
  if (!isTooLate && !call.isDone) end(call);
}
