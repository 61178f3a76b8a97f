import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { type Action, Batch } from './action.js';
import {
  Answer,
  CallTool,
  Cancel,
  Disconnect,
  Finish,
  finish,
  isResumable,
  resume,
  ResumeCall,
} from './call.actions.js';
import { checkAll } from './checks.js';
import { Model, REVISIONS } from './model.js';
import { ModelWorld, TERMS } from './model-world.js';
import { Connect, Delete, Pass, Restart } from './session.actions.js';
import { LeaveStream, Listen, ResumeStream, Subscribe, Toggle, Update } from './stream.actions.js';
import { EndTask, PollTask, StartTask, Steal } from './task.actions.js';
import { TASK_TTL_MS, TIMEOUT_MS } from './work.tools.js';

/** Interleavings that are tried; `npm run proof` tries many more. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 50);
const COMMANDS = Number(process.env['MODEL_COMMANDS'] ?? 150);
/** A run is repeated with the seed of the run that failed. */
const SEED = Number(process.env['MODEL_SEED'] ?? 20_260_728);
const TIMEOUT = 60_000 + RUNS * 2_000;

const n = fc.nat(1_000);
const principal = fc.constantFrom('ada', 'bob');

const actions: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<Action>])[] = [
  [6, fc.tuple(principal, fc.constantFrom(...REVISIONS)).map((of) => new Connect(...of))],
  [1, n.map((who) => new Delete(who))],
  [
    14,
    fc
      .tuple(n, fc.constantFrom('plain', 'switched', 'slow', 'slow', 'slow', 'ask', 'ask'), fc.boolean(), fc.nat(4))
      .map(([who, tool, tells, dice]) => new CallTool(who, tool, { tells, isStubborn: dice === 0 })),
  ],
  [8, n.map((which) => new Finish(which))],
  [3, n.map((which) => new Cancel(which))],
  [6, n.map((which) => new Disconnect(which))],
  [8, n.map((which) => new ResumeCall(which))],
  [
    5,
    fc
      .tuple(n, fc.constantFrom('accept', 'accept', 'error', 'as a stranger'), n)
      .map(([which, how, stranger]) => new Answer(which, how, stranger)),
  ],
  [5, n.map((who) => new Listen(who))],
  [6, n.map((which) => new LeaveStream(which))],
  [8, n.map((which) => new ResumeStream(which))],
  [
    5,
    fc
      .tuple(
        n,
        fc.constantFrom('own', 'shared'),
        fc.constantFrom('resources/subscribe', 'resources/subscribe', 'resources/unsubscribe'),
      )
      .map((of) => new Subscribe(...of)),
  ],
  [10, fc.oneof(n, fc.constant('shared' as const)).map((whose) => new Update(whose))],
  [2, fc.constant(new Toggle())],
  [2, n.map((who) => new StartTask(who))],
  [2, fc.tuple(n, fc.constantFrom('finish', 'cancel')).map((of) => new EndTask(...of))],
  [2, fc.tuple(n, n).map((of) => new PollTask(...of))],
  [1, fc.tuple(n, n, fc.constantFrom('GET', 'POST', 'DELETE')).map((of) => new Steal(...of))],
];
const action = fc.oneof(...actions.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** Mostly one thing at a time; now and then several at once; and what cannot be at the same time as anything else. */
const batch = fc.oneof(
  { weight: 30, arbitrary: action.map((one) => [one]) },
  { weight: 18, arbitrary: fc.array(action, { minLength: 2, maxLength: 5 }) },
  {
    weight: 4,
    arbitrary: fc
      .oneof(
        { weight: 8, arbitrary: fc.constantFrom(1_000, 16_000) },
        { weight: 4, arbitrary: fc.constantFrom(TERMS.resumeMs, TIMEOUT_MS) },
        { weight: 3, arbitrary: fc.constantFrom(TASK_TTL_MS, TERMS.timeoutMs + 1, TERMS.maxAgeMs) },
      )
      .map((ms) => [new Pass(ms)]),
  },
  { weight: 1, arbitrary: fc.constant([new Restart()]) },
);

/** Lets all that runs be done, and sees that everyone who is there or can come back has the answer. */
async function comeBack(model: Model, world: ModelWorld): Promise<void> {
  model.begin();
  for (const call of model.calls) if (call.awaySince !== undefined && isResumable(call)) resume(call, model, world);
  await world.settle();
  for (let queued = true; queued; await world.settle()) {
    const running = model.calls.filter(({ terms }) => terms.tool === 'slow' && world.work.isRunning(terms.key));
    for (const call of running) finish(call, world);
    queued = running.length > 0;
  }
  checkAll(model, world);
}

/** Lets everybody go, and all time pass. @throws Error something is still kept */
async function leaveNothing(model: Model, world: ModelWorld): Promise<void> {
  for (const { lines } of model.callers) for (const line of lines) line.leave();
  await world.settle();
  await world.pass(TERMS.resumeMs);
  await world.pass(TERMS.maxAgeMs);
  world.work.finishAll();
  await world.settle();
  const left = world.leftovers();
  if (left.length > 0) throw new Error(`Everybody has left, and the server still holds ${left.join(', ')}`);
}

describe('any order of what clients, operators and time do', () => {
  it(
    `loses no answer, brings nothing to the wrong place, and leaves nothing behind (seed ${SEED})`,
    async () => {
      const startedAt = performance.now();
      const done = new Map<string, number>();
      const commands = fc.commands([batch.map((all) => new Batch(all))], { maxCommands: COMMANDS, size: 'max' });
      await fc.assert(
        fc.asyncProperty(commands, async (all) => {
          const world = await ModelWorld.open();
          const model = new Model();
          try {
            await fc.asyncModelRun(() => ({ model, real: world }), all);
            await comeBack(model, world);
            await leaveNothing(model, world);
          } finally {
            await world.stop();
          }
          for (const [name, count] of model.done) done.set(name, (done.get(name) ?? 0) + count);
        }),
        { seed: SEED, numRuns: RUNS, endOnFailure: process.env['MODEL_SHRINK'] === undefined },
      );
      const seconds = (performance.now() - startedAt) / 1_000;
      const counts = [...done].sort(([, one], [, other]) => other - one).map(([name, count]) => `${count} ${name}`);
      process.stdout.write(
        `model: ${RUNS} interleavings in ${seconds.toFixed(1)} s, of ${counts.join(', ')}; seed ${SEED}\n`,
      );
    },
    TIMEOUT,
  );
});
