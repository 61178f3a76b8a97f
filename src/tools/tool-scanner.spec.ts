import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type CanActivate,
  type ExecutionContext,
  Global,
  Injectable,
  Logger,
  Module,
  type Provider,
  Scope,
  UseGuards,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { IsString } from 'class-validator';
import { FakeClock } from '../../test/support/fake-clock.js';
import { callScope } from '../../test/support/tool-world.js';
import { Clock } from '../common/index.js';
import { AppConfig, ConfigModule, type ConfigOverrides } from '../config/index.js';
import { MetricsModule } from '../metrics/index.js';
import { StoreModule } from '../store/index.js';
import { EnhancerOptions } from './enhancers.js';
import { Describe } from './schema/describe.decorator.js';
import { ServerFacts } from './server-facts.js';
import { ToolExecutor } from './tool-executor.js';
import { type DefinedTool, defineTool } from './tool-options.js';
import { ToolRegistry } from './tool-registry.js';
import { DefinedTools, ToolScanner } from './tool-scanner.js';
import { Tool } from './tool.decorator.js';
import type { ToolContext } from './tool-context.js';
import { ToolsModule } from './tools.module.js';

class GreetDto {
  @IsString()
  @Describe('Whom to greet')
  name!: string;
}

@Injectable()
class NotAda implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const [{ name }, { principal }] = context.getArgs<[GreetDto, ToolContext]>();
    return name !== 'Ada' && principal.subject === 'ada';
  }
}

@Injectable()
class Greetings {
  @Tool({ description: 'Greet someone', readOnly: true })
  greet({ name }: GreetDto): string {
    return `Hello, ${name}!`;
  }

  @Tool({ name: 'greet.carefully' })
  @UseGuards(NotAda)
  carefully({ name }: GreetDto): string {
    return `Hello, ${name}.`;
  }

  @Tool({ input: { type: 'object', properties: { n: { type: 'integer' } } } })
  count({ n }: { n?: number }): string {
    return String(n ?? 0);
  }

  @Tool()
  wave(...args: unknown[]): string {
    return JSON.stringify(args[0]);
  }
}

@Injectable()
class Broken {
  @Tool({ name: 'not a name', concurrency: 0 })
  one(): void {}

  @Tool({ name: 'echo' })
  two(): void {}
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  @Tool()
  three(): void {}
}

const shout = defineTool<{ text: string }>({
  name: 'shout',
  input: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  run: ({ text }) => text.toUpperCase(),
});

async function appWith(
  providers: Provider[],
  { settings = {}, tools = [] }: { settings?: ConfigOverrides; tools?: DefinedTool[] } = {},
): Promise<TestingModule> {
  const defined: DefinedTools = { tools: tools.map((tool) => ({ tool, origin: `plug-in ${tool.name}` })) };
  @Global()
  @Module({
    providers: [
      { provide: Clock, useClass: FakeClock },
      { provide: DefinedTools, useValue: defined },
      { provide: EnhancerOptions, useValue: { applyGlobalEnhancers: false } },
      { provide: ServerFacts, useValue: {} },
    ],
    exports: [Clock, DefinedTools, EnhancerOptions, ServerFacts],
  })
  class Surroundings {}
  return Test.createTestingModule({
    imports: [
      ConfigModule.forRoot(AppConfig.of(settings)),
      StoreModule.forRoot(),
      Surroundings,
      MetricsModule,
      ToolsModule,
    ],
    providers,
  }).compile();
}

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('ToolScanner', () => {
  it('5.1 loads the built-in tools, in order, with run_command switched off', async () => {
    const app = await appWith([]);
    expect(app.get(ToolScanner).load()).toEqual([]);
    const registry = app.get(ToolRegistry);
    expect(registry.all().map(({ name }) => name)).toEqual([
      'echo',
      'get_time',
      'list_files',
      'math_calc',
      'run_command',
    ]);
    expect(registry.enabled().map(({ name }) => name)).toEqual(['echo', 'get_time', 'list_files', 'math_calc']);
  });

  it('takes the name of the method and the class of its arguments where nothing else is said', async () => {
    const app = await appWith([Greetings]);
    expect(app.get(ToolScanner).load()).toEqual([]);
    const registry = app.get(ToolRegistry);
    expect(registry.get('greet')).toMatchObject({
      origin: 'Greetings.greet',
      options: { name: 'greet', description: 'Greet someone', readOnly: true },
      input: {
        json: {
          type: 'object',
          properties: { name: { type: 'string', description: 'Whom to greet' } },
          required: ['name'],
          additionalProperties: false,
        },
      },
    });
    expect(registry.get('greet.carefully')?.input.json).toEqual(registry.get('greet')?.input.json);
    expect(registry.get('count')?.input.json).toEqual({ type: 'object', properties: { n: { type: 'integer' } } });
    expect(registry.get('wave')?.input.json).toEqual({ type: 'object', properties: {}, additionalProperties: false });
  });

  it('lists decorated methods first, then tools without decorators', async () => {
    const app = await appWith([Greetings], { tools: [shout] });
    app.get(ToolScanner).load();
    const names = app
      .get(ToolRegistry)
      .all()
      .map(({ name }) => name);
    expect(names.at(-1)).toBe('shout');
    expect(app.get(ToolRegistry).get('shout')).toMatchObject({ origin: 'plug-in shout' });
    expect(app.get(ToolRegistry).get('shout')?.options).not.toHaveProperty('run');
  });

  it('runs what it found, guards and all', async () => {
    const app = await appWith([Greetings], { tools: [shout] });
    app.get(ToolScanner).load();
    const call = (name: string, args: unknown) => app.get(ToolExecutor).execute(name, args, callScope());
    expect(await call('greet', { name: 'Ada' })).toMatchObject({ content: [{ text: 'Hello, Ada!' }] });
    expect(await call('greet.carefully', { name: 'Bob' })).toMatchObject({ content: [{ text: 'Hello, Bob.' }] });
    expect(await call('shout', { text: 'hi' })).toMatchObject({ content: [{ text: 'HI' }] });
    expect(await call('wave', {})).toMatchObject({ content: [{ text: '{}' }] });
    // What a guard refuses is a refusal that the model can read.
    expect(await call('greet.carefully', { name: 'Ada' })).toEqual({
      content: [{ type: 'text', text: 'Forbidden resource' }],
      isError: true,
      _meta: { 'mcp-gatehouse/error': { kind: 'permission_denied', requestId: 'req-1' } },
    });
    await expect(call('greet', { name: 1 })).rejects.toMatchObject({ kind: 'invalid_params' });
  });

  it('K-24 tells everything that is wrong with any tool at once', async () => {
    const app = await appWith([Broken, PerRequest, Greetings], {
      tools: [
        { ...shout, name: 'greet' },
        { ...shout, input: { type: 'string' } },
      ],
      settings: { tools: { include: ['greet', 'gret'], exclude: ['wav'] } },
    });
    const faults = app.get(ToolScanner).load();
    expect([...faults].sort()).toEqual([
      'Broken.one: "not a name" is not a tool name: use 1 to 128 of A-Z a-z 0-9 _ - .',
      'Broken.one: concurrency of tool "not a name" must be a whole number from 1 to 100',
      expect.stringMatching(
        /^(Broken.two: tool "echo" is already defined by EchoTool|EchoTool.echo: .* by Broken.two)/,
      ),
      'PerRequest.three: its provider is request-scoped or transient; a tool lives as long as the server',
      'plug-in greet: tool "greet" is already defined by Greetings.greet',
      'plug-in shout: the input schema of tool "shout" cannot be compiled: the schema must have type "object" at its root',
      expect.stringMatching(/^there is no tool "gret" to include or exclude; valid names: .*greet, .*wave/),
      expect.stringMatching(/^there is no tool "wav" to include or exclude/),
    ]);
    // The sound ones are there.
    expect(app.get(ToolRegistry).get('wave')).toBeDefined();
  });
});
