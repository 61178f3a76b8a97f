import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Inject, Injectable, Logger, Module, type ModuleMetadata, Scope } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { IsString } from 'class-validator';
import { Public, RequiresPermission, Roles, Scopes } from '../auth/index.js';
import { EnhancerOptions, Enhancers } from './enhancers.js';
import { type Feature, FeatureScanner } from './feature-scanner.js';
import { Tool, TOOL_METADATA } from './tool.decorator.js';
import type { ToolOptions } from './tool-options.js';

class GreetDto {
  @IsString() name!: string;
}

@Injectable()
class Greetings {
  private readonly word = 'Hello';

  @Tool({ description: 'Greet someone' })
  greet({ name }: GreetDto): string {
    return `${this.word}, ${name}!`;
  }

  @Tool()
  wave(): string {
    return 'o/';
  }

  shrug(): string {
    return 'hm';
  }
}

@Injectable()
class PoliteGreetings extends Greetings {
  @Tool()
  bow(): string {
    return 'm(_ _)m';
  }
}

@Injectable()
class QuietGreetings extends Greetings {
  override greet(): string {
    return '...';
  }
}

@Controller('greetings')
class GreetingsController {
  @Tool()
  nod(): string {
    return 'nods';
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  @Tool()
  hello(): string {
    return 'hello';
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class PerUser {
  @Tool()
  hello(): string {
    return 'hello';
  }
}

@Injectable()
class NeedsPerRequest {
  constructor(@Inject(PerRequest) readonly other: object) {}

  @Tool()
  late(): string {
    return 'late';
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequestWithoutTools {
  hello(): string {
    return 'hello';
  }
}

@Roles('keeper')
@Injectable()
class Guarded {
  @Scopes('a', 'b')
  @Tool()
  scoped(): void {}

  @Roles('other', 'third')
  @Tool({ description: 'd' })
  others(): void {}

  @Public()
  @Tool()
  open(): void {}
}

@Injectable()
class Muddled {
  @Roles('keeper')
  @Tool({ roles: ['admin'] })
  twice(): void {}

  @RequiresPermission('manage:keys')
  @Tool()
  rest(): void {}
}

async function moduleWith(metadata: ModuleMetadata): Promise<TestingModule> {
  @Module(metadata)
  class Host {}
  return Test.createTestingModule({
    imports: [DiscoveryModule, Host],
    providers: [Enhancers, FeatureScanner, { provide: EnhancerOptions, useValue: { applyGlobalEnhancers: false } }],
  }).compile();
}

async function scan(
  metadata: ModuleMetadata,
): Promise<{ features: readonly Feature<ToolOptions>[]; origins: string[]; faults: readonly string[] }> {
  const { features, faults } = (await moduleWith(metadata)).get(FeatureScanner).scan<ToolOptions>(TOOL_METADATA);
  return { features, origins: features.map(({ origin }) => origin), faults };
}

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('FeatureScanner', () => {
  it('finds decorated methods, bound, with their options and the class of their arguments', async () => {
    const { features, origins } = await scan({ providers: [Greetings] });
    expect(origins).toEqual(['Greetings.greet', 'Greetings.wave']);
    expect(features[0]).toMatchObject({
      options: { description: 'Greet someone' },
      methodName: 'greet',
      firstParameter: GreetDto,
    });
    expect(features[0]?.run({ name: 'Ada' })).toBe('Hello, Ada!');
    expect(features[1]?.firstParameter).toBeUndefined();
  });

  it('S1-43 takes what @Roles, @Scopes and @Public say into the options, of the method and of its class', async () => {
    const { features } = await scan({ providers: [Guarded] });
    expect(features.map(({ options }) => options)).toEqual([
      { roles: ['keeper'], scopes: ['a', 'b'] },
      { description: 'd', roles: ['other', 'third'] },
      { public: true },
    ]);
  });

  it('refuses what is said twice, and what is of no meaning for a tool', async () => {
    expect((await scan({ providers: [Muddled] })).faults).toEqual([
      'Muddled.twice: roles: said by a decorator and in its options, say it once',
      'Muddled.rest: @RequiresPermission is for REST routes: use @Roles or @Scopes',
    ]);
  });

  it('finds inherited methods, and not one that is overridden without the decorator', async () => {
    expect((await scan({ providers: [PoliteGreetings] })).origins.sort()).toEqual([
      'PoliteGreetings.bow',
      'PoliteGreetings.greet',
      'PoliteGreetings.wave',
    ]);
    expect((await scan({ providers: [QuietGreetings] })).origins).toEqual(['QuietGreetings.wave']);
  });

  it('finds methods of controllers, of values and of what a factory made', async () => {
    expect((await scan({ controllers: [GreetingsController] })).origins).toEqual(['GreetingsController.nod']);
    const value = await scan({ providers: [{ provide: 'VALUE', useValue: new Greetings() }] });
    expect(value.origins).toEqual(['Greetings.greet', 'Greetings.wave']);
    const made = await scan({
      providers: [{ provide: 'MADE', useFactory: async () => Promise.resolve(new Greetings()) }],
    });
    expect(made.origins).toEqual(['Greetings.greet', 'Greetings.wave']);
    expect(made.features[0]?.run({ name: 'Ada' })).toBe('Hello, Ada!');
  });

  it('takes a provider once, under however many names it is known', async () => {
    const { origins, faults } = await scan({
      providers: [Greetings, { provide: 'ALIAS', useExisting: Greetings }, { provide: 'OTHER', useExisting: 'ALIAS' }],
    });
    expect(origins).toEqual(['Greetings.greet', 'Greetings.wave']);
    expect(faults).toEqual([]);
  });

  it('takes a provider once that several modules share', async () => {
    @Module({ providers: [Greetings], exports: [Greetings] })
    class Shared {}
    @Module({ imports: [Shared] })
    class One {}
    @Module({ imports: [Shared] })
    class Other {}
    expect((await scan({ imports: [One, Other] })).origins).toEqual(['Greetings.greet', 'Greetings.wave']);
  });

  it('takes two instances of one class for two', async () => {
    @Module({ providers: [Greetings] })
    class One {}
    @Module({ providers: [Greetings] })
    class Other {}
    const { origins } = await scan({ imports: [One, Other] });
    expect(origins.filter((origin) => origin === 'Greetings.greet')).toHaveLength(2);
  });

  it('D-14 tells that a tool lives as long as the server', async () => {
    const { origins, faults } = await scan({
      providers: [PerRequest, PerUser, NeedsPerRequest, PerRequestWithoutTools],
    });
    expect(origins).toEqual([]);
    const why = 'its provider is request-scoped or transient; a tool lives as long as the server';
    expect([...faults].sort()).toEqual([
      `NeedsPerRequest.late: ${why}`,
      `PerRequest.hello: ${why}`,
      `PerUser.hello: ${why}`,
    ]);
  });

  it('passes over values that have no methods, or a trap for whoever looks', async () => {
    const trap = {
      get value(): never {
        throw new Error('It is a trap');
      },
    };
    const { origins, faults } = await scan({
      providers: [
        { provide: 'NULL', useValue: null },
        { provide: 'BARE', useValue: Object.create(null) as object },
        { provide: 'TEXT', useValue: 'text' },
        { provide: 'FUNCTION', useValue: () => 1 },
        { provide: 'TRAP', useValue: trap },
        { provide: 'UNDEFINED', useFactory: () => undefined },
        Greetings,
      ],
    });
    expect([origins, faults]).toEqual([['Greetings.greet', 'Greetings.wave'], []]);
  });

  it('looks for the key that it is asked for', async () => {
    const app = await moduleWith({ providers: [Greetings] });
    expect(app.get(FeatureScanner).scan(Symbol('other'))).toEqual({ features: [], faults: [] });
  });
});
