import { Injectable } from '@nestjs/common';
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
  private readonly creator: ExternalContextCreator;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly options: EnhancerOptions,
    shared: ExternalContextCreator,
  ) {
    this.creator = options.applyGlobalEnhancers ? shared : withoutGlobals(modules);
  }

  /** @returns the method, bound, behind its enhancers */
  wrap(instance: object, methodName: string): Handler {
    const method = (instance as Record<string, Handler>)[methodName] as Handler;
    if (!this.hasEnhancers(instance, method)) return method.bind(instance);
    const hasFilters = has(EXCEPTION_FILTERS_METADATA, instance, method) || this.options.applyGlobalEnhancers;
    const params = { [`${BODY}:0`]: { index: 0, pipes: [] }, [`${CUSTOM}:1`]: { index: 1, pipes: [] } };
    Reflect.defineMetadata(PARAMS_METADATA, params, instance.constructor, methodName);
    return this.creator.create(
      instance,
      method,
      methodName,
      PARAMS_METADATA,
      { exchangeKeyForValue: (type: number, _data: unknown, args: unknown[]) => args[type === BODY ? 0 : 1] },
      undefined,
      undefined,
      { guards: true, interceptors: true, filters: hasFilters },
      'mcp',
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

function has(key: string, instance: object, method: Handler): boolean {
  return Reflect.hasMetadata(key, instance.constructor) || Reflect.hasMetadata(key, method);
}

/**
 * A creator that sees the host's modules and none of its APP_* enhancers: those were written for HTTP requests, and
 * would look for one.
 */
function withoutGlobals(modules: ModulesContainer): ExternalContextCreator {
  const container = { applicationConfig: new ApplicationConfig(), getModules: () => modules };
  return ExternalContextCreator.fromContainer(container as unknown as NestContainer);
}
