import type { Message } from '../support/messages.js';
import { arrivalsOf } from './line.js';
import { type Call, type Caller, type Model, outcomeOf, type Stream } from './model.js';
import { LIMITS, type ModelWorld } from './model-world.js';

const SECRETS = /secret-\d+-[a-z]+/g;
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';

/** Holds the sessions of the process against those that the model knows, and learns who gave way to whom. */
export function settleSessions(model: Model, world: ModelWorld): void {
  const ids = world.sessionIds;
  let gone = 0;
  for (const caller of model.callers) {
    if (caller.isModern) continue;
    if (caller.fate === 'opening') opened(caller, model);
    const isThere = caller.sessionId !== undefined && ids.has(caller.sessionId);
    if (caller.fate === 'live' && !isThere && caller.deletedIn !== model.batch) {
      const mayEnd = caller.mayEndIn === model.batch;
      if (model.admits === 0 && !mayEnd) fail(`The session of ${caller.secret} is gone`);
      const isStill = caller.touchedIn !== model.batch && caller.movedIn !== model.batch;
      if (isStill && caller.streams.some(({ awaySince }) => awaySince === undefined))
        fail(`The session of ${caller.secret} gave way while it was in use`);
      caller.fate = 'ended';
      caller.streams = [];
      gone += mayEnd ? 0 : 1;
    }
    if (caller.fate === 'ended' && isThere) fail(`The session of ${caller.secret} lives on`);
    if (caller.fate === 'dormant') foundAgain(caller, isThere, model, world);
    if (isThere && caller.usedIn === model.batch) {
      const own = model.sent.filter((sent) => sent.caller === caller);
      caller.saw(
        world.now,
        own.some(({ line }) => line.status !== undefined || !line.isOver),
      );
    }
  }
  if (gone > model.admits) fail(`${gone} sessions gave way to ${model.admits}`);
  if (ids.size > LIMITS.maxSessions) fail(`There are ${ids.size} sessions`);
}

function opened(caller: Caller, model: Model): void {
  const [answer] = arrivalsOf(caller.opening ? [caller.opening] : []);
  if (answer?.result) {
    caller.fate = 'live';
    caller.sessionId = caller.opening?.header('mcp-session-id');
    return;
  }
  caller.fate = 'refused';
  const outcome = answer && outcomeOf(answer);
  const live = model.callers.filter(({ fate, isModern }) => fate === 'live' && !isModern);
  const own = live.filter(({ principal }) => principal === caller.principal);
  const isFull =
    live.length + model.admits > LIMITS.maxSessions || own.length + model.admits > LIMITS.maxSessionsPerCaller;
  if (outcome !== 'session_limit' || !isFull) fail(`A session was refused: ${JSON.stringify(answer)}`);
}

/** A session that only an earlier process knew was asked for again: it must be as its id and its record say. */
function foundAgain(caller: Caller, isThere: boolean, model: Model, world: ModelWorld): void {
  if (isThere && caller.usedIn !== model.batch) fail(`The session of ${caller.secret} came back by itself`);
  if (caller.usedIn !== model.batch) return;
  const standing = caller.standing(world.now);
  if (isThere) {
    if (standing === 'bad') fail(`The session of ${caller.secret} came back from its end`);
    caller.fate = 'live';
    return;
  }
  // A request that was left before it was served, or for which there was no room, says nothing.
  if (!model.sent.some((sent) => sent.caller === caller && sent.line.status === 404)) return;
  const isExcused = standing !== 'good' || model.admits > 1 || caller.deletedIn === model.batch;
  if (!isExcused) fail(`The session of ${caller.secret} did not outlast the process`);
  [caller.fate, caller.streams] = ['ended', []];
}

/** @throws Error something is where it must not be, or is not where it must be */
export function checkAll(model: Model, world: ModelWorld): void {
  for (const caller of model.callers) {
    for (const line of caller.lines) {
      if (line.repeated.length > 0) fail(`${caller.secret} got ${line.repeated.join()} once more`);
      const strange = (line.text.match(SECRETS) ?? []).filter((secret) => secret !== caller.secret);
      if (strange.length > 0) fail(`${caller.secret} got what belongs to ${strange.join()}: ${line.text}`);
    }
    for (const stream of caller.streams) checkStream(caller, stream);
  }
  for (const call of model.calls) checkCall(call, model, world);
}

function checkCall(call: Call, model: Model, world: ModelWorld): void {
  const { key, tool, isStubborn, process } = call.terms;
  for (const message of call.messages) checkMessage(call, message);
  const { answers } = call;
  if (answers.length > 1) fail(`${key} was answered ${answers.length} times`);
  const isDue = call.isDone && !call.isLosable && !call.isClosed && call.awaySince === undefined;
  if (isDue && answers.length === 0) fail(`${key} was not answered`);
  const isWorking = process === model.process && world.work.isRunning(key);
  const mustRest = (call.mustEnd || (call.isAnswered && tool !== 'job')) && isStubborn !== true;
  if (mustRest && isWorking) fail(`The work of ${key} goes on`);
}

function checkMessage(call: Call, message: Message): void {
  const { id, key, tool } = call.terms;
  const { method, params } = message;
  if (method === undefined) {
    if (message.id !== id) fail(`${key} got the answer to ${JSON.stringify(message.id)}`);
    const outcome = outcomeOf(message);
    if (!call.allowed.has(outcome)) fail(`${key} came to ${outcome}, not ${[...call.allowed].join() || 'nothing'}`);
    if (outcome === 'result') checkText(call, message);
    return;
  }
  const isOwn =
    (method === 'notifications/progress' && params?.['progressToken'] === key) ||
    (method === 'elicitation/create' && tool === 'ask' && params?.['message'] === `A word for ${key}`) ||
    (method === 'notifications/cancelled' && params?.['requestId'] === call.question?.id);
  if (!isOwn) fail(`${key} got ${JSON.stringify(message)}`);
}

function checkText({ terms: { key, tool } }: Call, { result }: Message): void {
  const [{ text } = { text: '' }] = (result?.['content'] ?? []) as { text: string }[];
  const right = tool === 'ask' ? [`ask ${key} word of ${key}`, `ask ${key} decline`] : [`${tool} ${key}`];
  if (!right.includes(text)) fail(`${key} came to ${JSON.stringify(text)}`);
}

function checkStream(caller: Caller, { lines, expected, awaySince, tag }: Stream): void {
  const messages = arrivalsOf(lines);
  const [first, ...rest] = messages;
  if (tag !== undefined && lines[0]?.status === 200 && first?.method !== 'notifications/subscriptions/acknowledged')
    fail(`${tag} began with ${JSON.stringify(first)}`);
  const told = (tag === undefined ? messages : rest).map((message) => {
    const meta = message.params?.['_meta'] as Record<string, unknown> | undefined;
    if (meta?.[SUBSCRIPTION_ID] !== tag) fail(`${tag ?? caller.secret} got ${JSON.stringify(message)}`);
    return whatOf(message);
  });
  // What was said while the client was away comes when it is back.
  const isThere = awaySince === undefined;
  // Changes of a list wait for others that come with them, and so may be told after what came later.
  const isRight = [true, false].every((ofLists) =>
    fits(
      told.filter((what) => (what === 'tools') === ofLists),
      expected.filter(({ what }) => (what === 'tools') === ofLists),
      isThere,
    ),
  );
  if (isRight) return;
  const wanted = expected.map(({ what, isCertain }) => (isCertain ? what : `${what}?`));
  fail(`A stream of ${caller.secret} told ${JSON.stringify(told)} of ${JSON.stringify(wanted)}`);
}

function whatOf({ method, params }: Message): string {
  if (method === 'notifications/tools/list_changed') return 'tools';
  return method === 'notifications/resources/updated' ? String(params?.['uri']) : String(method);
}

/** Whether all that is certain was told, in order, and nothing but what is expected. */
function fits(told: readonly string[], expected: Stream['expected'], isWhole: boolean): boolean {
  if (told.length === 0 && (!isWhole || expected.every(({ isCertain }) => !isCertain))) return true;
  const [next, ...later] = expected;
  if (!next) return told.length === 0;
  if (told[0] === next.what && fits(told.slice(1), later, isWhole)) return true;
  return !next.isCertain && fits(told, later, isWhole);
}

function fail(why: string): never {
  throw new Error(why);
}
