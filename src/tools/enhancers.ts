import { Injectable, type Type } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { ApplicationConfig, ExternalContextCreator, ModulesContainer, type NestContainer } from '@nestjs/core';

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];
const PARAMS_METADATA = 'mcp-gatehouse:params';
// How Nest names the kinds of parameters: pipes see the arguments as a body, and the context as a custom one, which
// ValidationPipe and its like leave alone.
const BODY = 3;
const CUSTOM = 0;
type Handler = (...args: unknown[]) => unknown;
type ModuleRef = NonNullable<ReturnType<ModulesContainer['get']>>;

/** Whether Nest's enhancers that a host application sets for everything run on tools too (D-14). */
export abstract class EnhancerOptions {
  abstract readonly applyGlobalEnhancers: boolean;
}

/**
 * Puts Nest's guards, interceptors, pipes and exception filters around a method that carries them, once at start; a
 * method without any is called as it is. `ExecutionContext.getType()` is `mcp`, its arguments are the method's.
 */
@Injectable()
export class Enhancers {
  private creator: ExternalContextCreator | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly options: EnhancerOptions,
  ) {}

  /**
   * @returns the method, bound, behind its enhancers
   * @throws Error an enhancer that Nest would leave out; the message is for the author
   */
  wrap(instance: object, methodName: string): Handler {
    const method = (instance as Record<string, Handler>)[methodName] as Handler;
    if (!this.hasEnhancers(instance, method)) return method.bind(instance);
    this.refuseMissing(instance, method);
    this.creator ??= this.makeCreator();
    const hasFilters = has(EXCEPTION_FILTERS_METADATA, instance, method) || this.options.applyGlobalEnhancers;
    Reflect.defineMetadata(PARAMS_METADATA, paramsOf(instance, methodName, method), instance.constructor, methodName);
    return this.creator.create(
      instance,
      method,
      methodName,
      PARAMS_METADATA,
      { exchangeKeyForValue: (type: number, index: number, args: unknown[]) => args[type === BODY ? 0 : index] },
      undefined,
      undefined,
      { guards: true, interceptors: true, filters: hasFilters },
      'mcp',
    );
  }

  /**
   * A creator that sees the host's modules, and its APP_* enhancers only where they are wanted: they were written for
   * HTTP requests, and would look for one (D-14). It looks for hosts among providers: here, controllers are some too.
   */
  private makeCreator(): ExternalContextCreator {
    const modules = new Map([...this.modules].map(([key, moduleRef]) => [key, withControllers(moduleRef)]));
    const applicationConfig = this.options.applyGlobalEnhancers ? this.config : new ApplicationConfig();
    const container = { applicationConfig, getModules: () => modules };
    return ExternalContextCreator.fromContainer(container as unknown as NestContainer);
  }

  /** Nest leaves out, and says nothing of, an enhancer that it has not made for the host: be it a guard. */
  private refuseMissing(instance: object, method: Handler): void {
    const type = instance.constructor;
    const known = this.moduleOf(instance)?.injectables;
    const named = ENHANCERS.flatMap((key) => [type, method].flatMap((at) => enhancersAt(key, at)));
    const missing = named.filter((enhancer) => typeof enhancer === 'function' && !known?.has(enhancer as Type));
    if (missing.length === 0) return;
    const names = missing.map((enhancer) => (enhancer as Type).name).join(', ');
    throw new Error(`Nest makes no ${names} for it: provide ${type.name} as a class, not as a value or by a factory`);
  }

  /** The module whose enhancers are those of an instance, found as Nest does. */
  private moduleOf(instance: object): ModuleRef | undefined {
    const modules = [...this.modules.values()].map(withControllers);
    const holds = (moduleRef: ModuleRef, isMade: boolean): boolean =>
      [...moduleRef.providers.values()].some(
        (wrapper) => wrapper.instance === instance && !wrapper.isAlias && (!isMade || !wrapper.isNotMetatype),
      );
    return (
      modules.find((moduleRef) => holds(moduleRef, true)) ??
      modules.find((moduleRef) => holds(moduleRef, false)) ??
      modules.find((moduleRef) => moduleRef.providers.has(instance.constructor as Type))
    );
  }

  private hasEnhancers(instance: object, method: Handler): boolean {
    if (ENHANCERS.some((key) => has(key, instance, method))) return true;
    if (!this.options.applyGlobalEnhancers) return false;
    const { config } = this;
    return [
      config.getGlobalGuards(),
      config.getGlobalRequestGuards(),
      config.getGlobalInterceptors(),
      config.getGlobalRequestInterceptors(),
      config.getGlobalPipes(),
      config.getGlobalRequestPipes(),
      config.getGlobalFilters(),
      config.getGlobalRequestFilters(),
    ].some((enhancers) => enhancers.length > 0);
  }
}

/** The arguments, the context, and for those who declare it what resource templates and completions add. */
function paramsOf(instance: object, methodName: string, method: Handler): object {
  const types = Reflect.getMetadata('design:paramtypes', instance, methodName) as unknown[] | undefined;
  const hasThird = Math.max(method.length, types?.length ?? 0) > 2;
  return {
    [`${BODY}:0`]: { index: 0, pipes: [] },
    [`${CUSTOM}:1`]: { index: 1, data: 1, pipes: [] },
    ...(hasThird && { [`${CUSTOM}:2`]: { index: 2, data: 2, pipes: [] } }),
  };
}

function has(key: string, instance: object, method: Handler): boolean {
  return Reflect.hasMetadata(key, instance.constructor) || Reflect.hasMetadata(key, method);
}

function enhancersAt(key: string, target: object): readonly unknown[] {
  return (Reflect.getMetadata(key, target) as unknown[] | undefined) ?? [];
}

function withControllers(moduleRef: ModuleRef): ModuleRef {
  const providers = new Map([...moduleRef.providers, ...moduleRef.controllers]);
  return Object.create(moduleRef, { providers: { value: providers } }) as ModuleRef;
}
