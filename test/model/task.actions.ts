import type { Json } from '../support/messages.js';
import { Action, pick } from './action.js';
import { begin } from './call.actions.js';
import { type Caller, type Model, outcomeOf, type Task } from './model.js';
import type { ModelWorld } from './model-world.js';
import { arrivalsOf, type Line } from './line.js';
import { ask, send } from './talk.js';

/** A modern client calls a tool that becomes a task. */
export class StartTask extends Action {
  constructor(private readonly who: number) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const caller = this.find(model) as Caller;
    const call = begin(model, world, { caller, tool: 'job' });
    const params = { name: 'job', arguments: { key: call.terms.key } };
    const line = ask(model, world, caller, { id: call.terms.id, method: 'tools/call', params });
    call.lines.push(line);
    call.allowed.add('task');
    call.isDone = true;
    model.awaited.push(line);
    model.afterwards(() => {
      if (!call.isAnswered) return;
      model.tasks.push({ caller, call, createdAt: world.now, allowed: new Set(['working']), isOver: false });
    });
  }

  override toString(): string {
    return `start task(${this.who})`;
  }

  private find({ senders }: Model): Caller | undefined {
    return pick(
      senders.filter(({ isModern }) => isModern),
      this.who,
    );
  }
}

/** The work of a task is done, or its client does not want it any more. */
export class EndTask extends Action {
  constructor(
    private readonly which: number,
    private readonly how: 'finish' | 'cancel',
  ) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const task = this.find(model) as Task;
    task.isOver = true;
    // Whoever asks at the same moment may be told that it runs.
    model.afterwards(() => task.allowed.delete('working'));
    if (this.how === 'finish') {
      world.work.finish(task.call.terms.key);
      task.allowed = new Set(['completed', 'working']);
      return;
    }
    task.allowed = new Set(['cancelled', 'working']);
    const line = request(model, world, task.caller, { method: 'tasks/cancel', taskId: taskIdOf(task) });
    model.afterwards(() => {
      const [answer] = arrivalsOf([line]);
      if (!answer?.result) throw new Error(`tasks/cancel was answered with ${JSON.stringify(answer)}`);
      if (world.work.isRunning(task.call.terms.key)) throw new Error('The work of a cancelled task goes on');
    });
  }

  override toString(): string {
    return `${this.how} task(${this.which})`;
  }

  private find({ tasks }: Model): Task | undefined {
    return pick(
      tasks.filter(({ isOver, allowed }) => !isOver && !allowed.has('unknown_task')),
      this.which,
    );
  }
}

/** Someone asks how a task is getting on. */
export class PollTask extends Action {
  constructor(
    private readonly which: number,
    private readonly who: number,
  ) {
    super();
  }

  override isPossible(model: Model): boolean {
    return model.tasks.length > 0 && this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const task = pick(model.tasks, this.which) as Task;
    const caller = this.find(model) as Caller;
    const line = request(model, world, caller, { method: 'tasks/get', taskId: taskIdOf(task) });
    const wasWorking = task.allowed.has('working');
    model.afterwards(() => {
      const [answer] = arrivalsOf([line]);
      const status = answer?.result ? String(answer.result['status']) : outcomeOf(answer ?? {});
      const isTheirs = caller.principal === task.caller.principal;
      const allowed = isTheirs ? task.allowed : new Set(['unknown_task']);
      const isRight = allowed.has(status) || (isTheirs && wasWorking && status === 'working');
      if (!isRight) throw new Error(`A task is ${status} to ${caller.secret}, not ${[...allowed].join()}`);
      const { result } = (answer?.result ?? {}) as { result?: { content?: [{ text: string }] } };
      const text = result?.content?.[0].text;
      if (status === 'completed' && text !== `job ${task.call.terms.key}`) throw new Error(`A task ended with ${text}`);
      // Whoever shares the principal may see what it made; nobody else can have seen it.
      if (isTheirs) caller.lines.splice(caller.lines.indexOf(line), 1);
    });
  }

  override toString(): string {
    return `poll task(${this.which}, ${this.who})`;
  }

  private find({ senders }: Model): Caller | undefined {
    return pick(
      senders.filter(({ isModern }) => isModern),
      this.who,
    );
  }
}

/** A client names the session of another principal: to it, that is one that never was. */
export class Steal extends Action {
  constructor(
    private readonly who: number,
    private readonly whose: number,
    private readonly method: 'GET' | 'POST' | 'DELETE',
  ) {
    super();
  }

  override isPossible(model: Model): boolean {
    return this.find(model) !== undefined;
  }

  override act(model: Model, world: ModelWorld): void {
    const [thief, owner] = this.find(model) as [Caller, Caller];
    const body = { jsonrpc: '2.0', id: 'steal', method: 'ping' };
    const { method } = this;
    const { sessionId } = owner;
    const line = send(model, world, thief, { method, sessionId, ...(method === 'POST' && { body }) });
    model.awaited.push(line);
    model.afterwards(() => {
      if (line.status !== 404)
        throw new Error(`${method} with the session of another was answered with ${line.status}`);
    });
  }

  override toString(): string {
    return `steal(${this.who}, ${this.whose}, ${this.method})`;
  }

  private find({ senders }: Model): [Caller, Caller] | undefined {
    const thief = pick(senders, this.who);
    const owner = pick(
      senders.filter(({ sessionId, principal }) => sessionId !== undefined && principal !== thief?.principal),
      this.whose,
    );
    return thief && owner && [thief, owner];
  }
}

function taskIdOf({ call }: Task): string {
  return String(call.answers[0]?.result?.['taskId']);
}

function request(
  model: Model,
  world: ModelWorld,
  caller: Caller,
  { method, taskId }: { readonly method: string; readonly taskId: string },
): Line {
  const params: Json = { taskId };
  const line = ask(model, world, caller, { id: `task ${model.nextNumber()}`, method, params });
  model.awaited.push(line);
  return line;
}
