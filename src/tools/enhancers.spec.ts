import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  Logger,
  Module,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, DiscoveryModule, Reflector } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { IsString } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { EnhancerOptions, Enhancers } from './enhancers.js';
import { FeatureScanner } from './feature-scanner.js';
import { Tool, TOOL_METADATA } from './tool.decorator.js';
import type { ToolOptions } from './tool-options.js';

type Run = (...args: unknown[]) => unknown;

/** What was called, in order. */
let trace: string[];

@Injectable()
class Words {
  readonly allowed = 'please';
}

@Injectable()
class PoliteGuard implements CanActivate {
  constructor(
    private readonly words: Words,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const [args] = context.getArgs<[{ word: string }]>();
    const rule = this.reflector.get<string | undefined>('rule', context.getHandler());
    trace.push(
      `guard ${context.getType<string>()} ${context.getClass().name}.${context.getHandler().name} ${rule ?? '-'}`,
    );
    return args.word === this.words.allowed;
  }
}

@Injectable()
class LoudInterceptor implements NestInterceptor {
  constructor(private readonly words: Words) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    trace.push('interceptor');
    return next.handle().pipe(map((text: unknown) => `${String(text).toUpperCase()} ${this.words.allowed}`));
  }
}

@Injectable()
class SeeingPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    trace.push(`pipe ${type} ${metatype?.name ?? '-'}`);
    return value;
  }
}

class Sorry extends Error {}

@Catch(Sorry)
class SorryFilter implements ExceptionFilter {
  catch(error: Sorry, host: ArgumentsHost): string {
    trace.push(`filter ${host.getType<string>()}`);
    return `Sorry: ${error.message}`;
  }
}

class WordDto {
  @IsString() word!: string;
}

@Injectable()
class Plain {
  private readonly mark = '!';

  @Tool()
  say({ word }: WordDto): string {
    return `${word}${this.mark}`;
  }
}

@Injectable()
class Guarded {
  @Tool()
  @UseGuards(PoliteGuard)
  @SetMetadata('rule', 'polite')
  say({ word }: WordDto): string {
    trace.push('method');
    return word;
  }

  @Tool()
  free({ word }: WordDto): string {
    return word;
  }
}

@Injectable()
@UseGuards(PoliteGuard)
class GuardedAsAWhole {
  @Tool()
  say({ word }: WordDto): string {
    return word;
  }
}

@Injectable()
class Derived extends GuardedAsAWhole {}

@Injectable()
class Full {
  @Tool()
  @UseGuards(PoliteGuard)
  @UseInterceptors(LoudInterceptor)
  @UsePipes(SeeingPipe)
  @UseFilters(SorryFilter)
  say({ word }: WordDto, context: object): string {
    trace.push(`method ${JSON.stringify(context)}`);
    return word;
  }

  @Tool()
  @UseFilters(SorryFilter)
  fail(): string {
    throw new Sorry('no');
  }

  @Tool()
  @UseFilters(SorryFilter)
  async failLater(): Promise<string> {
    return Promise.reject(new Error('something else'));
  }

  @Tool()
  @UseGuards(
    new (class implements CanActivate {
      canActivate(): boolean {
        trace.push('guard by instance');
        return true;
      }
    })(),
  )
  three(variables: object, context: object, uri = 'none'): unknown[] {
    return [variables, context, uri];
  }

  @Tool()
  @UsePipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }))
  valid(word: WordDto, context: { readonly signal: string }): unknown[] {
    return [word, word instanceof WordDto, context];
  }
}

async function moduleWith(
  metadata: { providers?: Provider[]; controllers?: never[] | (new () => object)[] },
  applyGlobalEnhancers = false,
): Promise<TestingModule> {
  @Module({ imports: [DiscoveryModule], ...metadata, providers: [Words, ...(metadata.providers ?? [])] })
  class Host {}
  return Test.createTestingModule({
    imports: [Host, DiscoveryModule],
    providers: [Enhancers, FeatureScanner, { provide: EnhancerOptions, useValue: { applyGlobalEnhancers } }],
  }).compile();
}

async function methodOf(
  type: new (...args: never[]) => object,
  name: string,
  more: { providers?: Provider[]; applyGlobalEnhancers?: boolean } = {},
): Promise<Run> {
  const app = await moduleWith({ providers: [type, ...(more.providers ?? [])] }, more.applyGlobalEnhancers);
  return app.get(Enhancers).wrap(app.get<object>(type, { strict: false }), name);
}

beforeEach(() => {
  trace = [];
  jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('Enhancers', () => {
  it('D-14 calls a method without any as it is', async () => {
    const say = await methodOf(Plain, 'say');
    expect(say({ word: 'hi' })).toBe('hi!');
    expect(say.name).toBe('bound say');
    const free = await methodOf(Guarded, 'free');
    expect(free({ word: 'hi' })).toBe('hi');
  });

  it('runs a guard of the method, with what is injected into it', async () => {
    const say = await methodOf(Guarded, 'say');
    expect(await say({ word: 'please' })).toBe('please');
    expect(trace).toEqual(['guard mcp Guarded.say polite', 'method']);
  });

  it('refuses what a guard refuses, and does not call the method', async () => {
    const say = await methodOf(Guarded, 'say');
    await expect(say({ word: 'now' })).rejects.toMatchObject({ status: 403, message: 'Forbidden resource' });
    expect(trace).toEqual(['guard mcp Guarded.say polite']);
  });

  it.each([GuardedAsAWhole, Derived])('runs a guard of the class, inherited or not: %p', async (type) => {
    const say = await methodOf(type, 'say');
    await expect(say({ word: 'now' })).rejects.toMatchObject({ status: 403 });
    expect(await say({ word: 'please' })).toBe('please');
    expect(trace).toEqual([`guard mcp ${type.name}.say -`, `guard mcp ${type.name}.say -`]);
  });

  it('runs guards, interceptors, pipes and the method in the order of Nest', async () => {
    const say = await methodOf(Full, 'say');
    expect(await say({ word: 'please' }, { is: 'context' })).toBe('PLEASE please');
    expect(trace).toEqual([
      'guard mcp Full.say -',
      'interceptor',
      'pipe body WordDto',
      'pipe custom Object',
      'method {"is":"context"}',
    ]);
  });

  it('hands on every argument behind an enhancer', async () => {
    const three = await methodOf(Full, 'three');
    expect(await three({ a: 1 }, {}, 'a://1')).toEqual([{ a: 1 }, {}, 'a://1']);
    expect(trace).toEqual(['guard by instance']);
  });

  it('lets ValidationPipe judge the arguments, and leave the context alone', async () => {
    const valid = await methodOf(Full, 'valid');
    const context = { signal: 'x' };
    expect(await valid({ word: 'a' }, context)).toEqual([{ word: 'a' }, true, context]);
    await expect(valid({ word: 1 }, context)).rejects.toMatchObject({ status: 400 });
    await expect(valid({ word: 'a', more: 1 }, context)).rejects.toMatchObject({ status: 400 });
  });

  it('lets a filter answer for what it catches, and for nothing else', async () => {
    jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    expect(await (await methodOf(Full, 'fail'))()).toBe('Sorry: no');
    expect(trace).toEqual(['filter mcp']);
    await expect((await methodOf(Full, 'failLater'))()).rejects.toThrow('something else');
  });
});

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    trace.push('global guard');
    return false;
  }
}

@Injectable()
class SeenInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    trace.push('global interceptor');
    return next.handle();
  }
}

@Catch()
class AllFilter implements ExceptionFilter {
  catch(): string {
    trace.push('global filter');
    return 'caught';
  }
}

describe('Enhancers of the whole application', () => {
  const providers: Provider[] = [
    { provide: APP_GUARD, useClass: ClosedGuard },
    { provide: APP_INTERCEPTOR, useClass: SeenInterceptor },
    { provide: APP_PIPE, useClass: SeeingPipe },
    { provide: APP_FILTER, useClass: AllFilter },
  ];

  it('D-14 do not run on tools unless the host application says so', async () => {
    expect((await methodOf(Plain, 'say', { providers }))({ word: 'hi' })).toBe('hi!');
    const guarded = await methodOf(Guarded, 'say', { providers });
    expect(await guarded({ word: 'please' })).toBe('please');
    await expect(guarded({ word: 'now' })).rejects.toMatchObject({ status: 403 });
    expect(trace.filter((line) => line.startsWith('global') || line.startsWith('pipe'))).toEqual([]);
  });

  it('D-14 run on every tool where it does', async () => {
    const say = await methodOf(Plain, 'say', { providers, applyGlobalEnhancers: true });
    expect(await say({ word: 'hi' })).toBe('caught');
    expect(trace).toEqual(['global guard', 'global filter']);
  });

  it.each([
    [{ provide: APP_INTERCEPTOR, useClass: SeenInterceptor }, ['global interceptor']],
    [{ provide: APP_PIPE, useClass: SeeingPipe }, ['pipe body WordDto', 'pipe custom -']],
    [{ provide: APP_FILTER, useClass: AllFilter }, []],
  ])('D-14 are enough, each alone, to wrap a method: %j', async (provider, expected) => {
    const say = await methodOf(Plain, 'say', { providers: [provider], applyGlobalEnhancers: true });
    expect(await say({ word: 'hi' })).toBe('hi!');
    expect(trace).toEqual(expected);
  });

  it('D-14 wrap nothing where there are none', async () => {
    const say = await methodOf(Plain, 'say', { applyGlobalEnhancers: true });
    expect(say({ word: 'hi' })).toBe('hi!');
  });
});

@Controller()
class GuardedController {
  @Tool()
  @UseGuards(PoliteGuard)
  say({ word }: WordDto): string {
    return word;
  }
}

describe('Enhancers that Nest does not make', () => {
  const scan = (app: TestingModule) => app.get(FeatureScanner).scan<ToolOptions>(TOOL_METADATA);

  it('never leaves a guard out: a controller with tools', async () => {
    const { features, faults } = scan(await moduleWith({ controllers: [GuardedController] }));
    expect(faults).toEqual([]);
    await expect(features[0]?.run({ word: 'now' })).rejects.toMatchObject({ status: 403 });
    expect(await features[0]?.run({ word: 'please' })).toBe('please');
  });

  it.each<[string, Provider]>([
    ['a value', { provide: 'VALUE', useValue: new Guarded() }],
    ['a factory', { provide: 'FACTORY', useFactory: () => new Guarded() }],
  ])('never leaves a guard out: %s', async (_kind, provider) => {
    const { features, faults } = scan(await moduleWith({ providers: [provider] }));
    expect(features.map(({ methodName }) => methodName)).toEqual(['free']);
    expect(faults).toEqual([
      'Guarded.say: Nest makes no PoliteGuard for it: provide Guarded as a class, not as a value or by a factory',
    ]);
  });
});
