import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { callScope, principalOf, ToolWorld } from '../../test/support/tool-world.js';
import type { ProtocolError } from '../common/index.js';
import { ResourceRegistry } from '../resources/index.js';
import type { Feature, FeatureScanner } from '../tools/index.js';
import { type CompletionQuestion, CompletionRegistry } from './completion-registry.js';
import { PromptRegistry } from './prompt-registry.js';
import { toPromptResult } from './prompt-result.js';
import {
  Completion,
  COMPLETION_METADATA,
  type CompletionOptions,
  Prompt,
  PROMPT_METADATA,
} from './prompt.decorator.js';

type Run = Feature<unknown>['run'];
const feature = <Options>(options: Options, run: Run = () => 'text', methodName = 'method'): Feature<Options> => ({
  options,
  run,
  methodName,
  origin: `Spec.${methodName}`,
  firstParameter: undefined,
});

interface Found {
  readonly prompts?: readonly Feature<object>[];
  readonly completions?: readonly Feature<CompletionOptions>[];
  readonly resources?: readonly Feature<object>[];
  readonly templates?: readonly Feature<object>[];
}

/** The registries over what scans would have found. */
function registriesOf({ prompts = [], completions = [], resources = [], templates = [] }: Found) {
  const world = new ToolWorld();
  const found = new Map<symbol, readonly Feature<object>[]>([
    [PROMPT_METADATA, prompts],
    [COMPLETION_METADATA, completions],
    [Symbol.for('mcp-gatehouse.resource'), resources],
    [Symbol.for('mcp-gatehouse.resource-template'), templates],
  ]);
  const scanner = { scan: (key: symbol) => ({ features: found.get(key), faults: [] }) } as unknown as FeatureScanner;
  const promptRegistry = new PromptRegistry(scanner, world.gate, world.runner);
  const resourceRegistry = new ResourceRegistry(scanner, world.gate, world.runner);
  const completionRegistry = new CompletionRegistry(scanner, world.runner, promptRegistry, resourceRegistry);
  const faults = [...resourceRegistry.load(), ...promptRegistry.load(), ...completionRegistry.load()];
  return { world, faults, prompts: promptRegistry, completions: completionRegistry };
}

const review = feature(
  {
    name: 'review',
    description: 'Review code',
    arguments: [{ name: 'code', required: true }, { name: 'language', required: true }, { name: 'tone' }],
  },
  (args) => `Review ${JSON.stringify(args)}`,
);
const secret = feature({ name: 'secret', roles: ['admin'] }, () => 'psst');

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('PromptRegistry', () => {
  it('lists what it found, in order', () => {
    const { prompts, faults } = registriesOf({ prompts: [review, feature({}, undefined, 'unnamed')] });
    expect(faults).toEqual([]);
    expect(prompts.all().map(({ name, ordinal }) => [name, ordinal])).toEqual([
      ['review', 0],
      ['unnamed', 1],
    ]);
    expect([prompts.version, prompts.find('review')?.origin, prompts.find('gone')]).toEqual([
      1,
      'Spec.method',
      undefined,
    ]);
  });

  it('refuses a second prompt of one name', () => {
    const { prompts, faults } = registriesOf({ prompts: [review, feature({ name: 'review' }, undefined, 'again')] });
    expect(faults).toEqual(['Spec.again: prompt "review" is already defined by Spec.method']);
    expect(prompts.find('review')?.origin).toBe('Spec.method');
  });

  it('fills one in', async () => {
    const { prompts, world } = registriesOf({ prompts: [review] });
    expect(await prompts.get('review', { code: 'x', language: 'ts' }, callScope())).toEqual({
      description: 'Review code',
      messages: [{ role: 'user', content: { type: 'text', text: 'Review {"code":"x","language":"ts"}' } }],
    });
    expect(world.outcomes('prompt:review')).toEqual({ success: 1 });
  });

  it('names every required argument that is missing', async () => {
    const { prompts, world } = registriesOf({ prompts: [review] });
    await expect(prompts.get('review', { tone: 'kind' }, callScope())).rejects.toMatchObject({
      kind: 'invalid_params',
      message: 'Prompt review needs the arguments: code, language',
    });
    await expect(prompts.get('review', { code: '' }, callScope())).rejects.toMatchObject({
      message: 'Prompt review needs the arguments: language',
    });
    expect(world.outcomes('prompt:review')).toEqual({ refused: 2 });
  });

  it('D-13 answers the same for what is not for the caller', async () => {
    const { prompts } = registriesOf({ prompts: [secret] });
    for (const name of ['secret', 'gone', '__proto__']) {
      await expect(prompts.get(name, {}, callScope())).rejects.toMatchObject({
        kind: 'unknown_prompt',
        message: `Unknown prompt: ${name}`,
        data: undefined,
      });
    }
    expect(await prompts.get('secret', {}, callScope({ principal: principalOf('admin') }))).toMatchObject({
      messages: [{ content: { text: 'psst' } }],
    });
  });
});

describe('toPromptResult', () => {
  const message = { role: 'assistant', content: { type: 'text', text: 'x' } };

  it('takes a text, messages, or a whole result', () => {
    const user = { role: 'user', content: { type: 'text', text: 'hi' } };
    expect(toPromptResult('hi', undefined)).toEqual({ messages: [user] });
    expect(toPromptResult('hi', 'Says hi')).toEqual({ description: 'Says hi', messages: [user] });
    expect(toPromptResult([message], undefined)).toEqual({ messages: [message] });
    const whole = { description: 'Mine', messages: [message] };
    expect(toPromptResult(whole, 'Says hi')).toBe(whole);
    expect(toPromptResult(5, undefined)).toMatchObject({ messages: [{ content: { text: '5' } }] });
  });
});

describe('CompletionRegistry', () => {
  const template = feature({ uriTemplate: 'repo://{owner}/{name}' });
  const hiddenTemplate = feature({ uriTemplate: 'vault://{key}', roles: ['admin'] });
  const languages = feature<CompletionOptions>({ prompt: 'review', argument: 'language' }, (value) =>
    ['ts', 'tsx', 'go'].filter((name) => name.startsWith(value as string)),
  );
  const owners = feature<CompletionOptions>({ resourceTemplate: 'repo://{owner}/{name}', argument: 'owner' }, () => [
    'us',
  ]);
  const ask = (
    ref: CompletionQuestion['ref'],
    name: string,
    value = '',
    resolved: Record<string, string> = {},
  ): CompletionQuestion => ({ ref, argument: { name, value }, resolved });
  const prompt = (name: string) => ({ type: 'ref/prompt', name }) as const;
  const resource = (uri: string) => ({ type: 'ref/resource', uri }) as const;

  it('completes an argument of a prompt, and a variable of a template', async () => {
    const { completions, faults } = registriesOf({
      prompts: [review],
      templates: [template],
      completions: [languages, owners],
    });
    expect(faults).toEqual([]);
    expect(await completions.complete(ask(prompt('review'), 'language', 't'), callScope())).toEqual({
      completion: { values: ['ts', 'tsx'], total: 2, hasMore: false },
    });
    expect(await completions.complete(ask(resource('repo://{owner}/{name}'), 'owner'), callScope())).toEqual({
      completion: { values: ['us'], total: 1, hasMore: false },
    });
  });

  it('hands over what was typed, and what was resolved before', async () => {
    const run = jest.fn<Run>(() => []);
    const { completions } = registriesOf({
      prompts: [review],
      completions: [feature({ prompt: 'review', argument: 'language' }, run)],
    });
    await completions.complete(ask(prompt('review'), 'language', 'g', { code: 'x' }), callScope());
    expect(run).toHaveBeenCalledWith('g', expect.objectContaining({ requestId: 'req-1' }), { code: 'x' });
  });

  it('gives 100 values at most, and says that there are more', async () => {
    const many = Array.from({ length: 101 }, (_, i) => `${i}`);
    const { completions } = registriesOf({
      prompts: [review],
      completions: [feature({ prompt: 'review', argument: 'language' }, () => Promise.resolve(many))],
    });
    expect(await completions.complete(ask(prompt('review'), 'language'), callScope())).toEqual({
      completion: { values: many.slice(0, 100), total: 101, hasMore: true },
    });
  });

  it('gives nothing where nobody wrote how, for a prompt, a template or a resource', async () => {
    const { completions } = registriesOf({
      prompts: [review],
      templates: [template],
      resources: [feature({ uri: 'a://1' })],
      completions: [languages],
    });
    const none = { completion: { values: [], total: 0, hasMore: false } };
    for (const question of [
      ask(prompt('review'), 'tone'),
      ask(resource('repo://{owner}/{name}'), 'owner'),
      ask(resource('a://1'), 'x'),
    ]) {
      expect(await completions.complete(question, callScope())).toEqual(none);
    }
  });

  it('D-13 answers the same for what is not there and what is not for the caller', async () => {
    const { completions } = registriesOf({
      prompts: [secret],
      templates: [hiddenTemplate],
      resources: [feature({ uri: 'vault://1', roles: ['admin'] })],
      completions: [feature({ prompt: 'secret', argument: 'x' }, () => ['leak'])],
    });
    const failure = (question: CompletionQuestion) =>
      completions.complete(question, callScope()).catch((error: unknown) => error as ProtocolError);
    for (const name of ['secret', 'gone']) {
      const { kind, message, data } = (await failure(ask(prompt(name), 'x'))) as ProtocolError;
      expect([kind, message, data]).toEqual(['unknown_prompt', `Unknown prompt: ${name}`, undefined]);
    }
    for (const uri of ['vault://{key}', 'vault://1', 'gone://{key}']) {
      const { kind, message, data } = (await failure(ask(resource(uri), 'key'))) as ProtocolError;
      expect([kind, message, data]).toEqual(['resource_not_found', `Resource not found: ${uri}`, { uri }]);
    }
  });

  it('tells what completes nothing, and what is completed twice', () => {
    const { faults } = registriesOf({
      prompts: [review],
      templates: [template],
      completions: [
        languages,
        feature({ prompt: 'review', argument: 'language' }, undefined, 'again'),
        feature({ prompt: 'gone', argument: 'x' }),
        feature({ resourceTemplate: 'gone://{x}', argument: 'x' }),
      ],
    });
    expect(faults).toEqual([
      'Spec.again: "language" of "review" is already completed by Spec.method',
      'Spec.method: it completes prompt "gone", which does not exist',
      'Spec.method: it completes resource template "gone://{x}", which does not exist',
    ]);
  });
});

describe('the decorators', () => {
  it('write what they say on the method', () => {
    class Prompts {
      @Prompt({ name: 'review' })
      review(): void {}

      @Prompt()
      plain(): void {}

      @Completion({ prompt: 'review', argument: 'language' })
      languages(): void {}
    }
    const at = (key: symbol, name: keyof Prompts): unknown =>
      Reflect.getMetadata(key, Reflect.get(Prompts.prototype, name));
    expect(at(PROMPT_METADATA, 'review')).toEqual({ name: 'review' });
    expect(at(PROMPT_METADATA, 'plain')).toEqual({});
    expect(at(COMPLETION_METADATA, 'languages')).toEqual({ prompt: 'review', argument: 'language' });
  });
});
