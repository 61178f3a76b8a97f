import type fc from 'fast-check';
import { checkAll, settleSessions } from './checks.js';
import type { Model } from './model.js';
import type { ModelWorld } from './model-world.js';

/** Something that a client, an operator or time does to the server. */
export abstract class Action {
  /** Whether it can be done now. Asked again right before it is. */
  abstract isPossible(model: Model): boolean;

  /** Does it, and notes what must come of it. Waits for nothing, so that others can be done at the same time. */
  abstract act(model: Model, world: ModelWorld): void | Promise<void>;

  abstract toString(): string;
}

/** Actions that are done at once, and what must be so when all have come to rest. */
export class Batch implements fc.AsyncCommand<Model, ModelWorld> {
  constructor(private readonly actions: readonly Action[]) {}

  check(model: Readonly<Model>): boolean {
    return this.actions.some((action) => action.isPossible(model as Model));
  }

  async run(model: Model, world: ModelWorld): Promise<void> {
    model.begin();
    for (const action of this.actions) {
      if (!action.isPossible(model)) continue;
      model.count(action.constructor.name);
      const done = action.act(model, world);
      if (done) await done;
    }
    await world.settle(() => model.awaited.every((line) => line.isOver || line.status !== undefined));
    settleSessions(model, world);
    model.conclude();
    checkAll(model, world);
  }

  toString(): string {
    return this.actions.map(String).join(' + ');
  }
}

/** @returns one of the items, the same for the same number; undefined where there is none */
export function pick<T>(items: readonly T[], number: number): T | undefined {
  return items[number % Math.max(1, items.length)];
}
