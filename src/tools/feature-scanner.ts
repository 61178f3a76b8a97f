import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { accessRuleOf } from '../auth/index.js';
import { Enhancers } from './enhancers.js';
import type { FeatureOptions } from './tool-options.js';

/** A decorated method of a provider. */
export interface Feature<Options> {
  readonly options: Options;
  readonly methodName: string;
  /** `Class.method`, for messages to people. */
  readonly origin: string;
  /** The method, bound, behind its Nest enhancers. */
  readonly run: (...args: unknown[]) => unknown;
  /** The class of the method's first parameter, as TypeScript emitted it. */
  readonly firstParameter: unknown;
}

/** What a scan found, with what is wrong with it. */
export interface Scan<Options> {
  readonly features: readonly Feature<Options>[];
  readonly faults: readonly string[];
}

/** Finds decorated methods on every provider and controller of the application. */
@Injectable()
export class FeatureScanner {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly methods: MetadataScanner,
    private readonly enhancers: Enhancers,
  ) {}

  /** @param key metadata key that the decorator writes on the method */
  scan<Options extends object>(key: symbol): Scan<Options> {
    const features: Feature<Options>[] = [];
    const faults: string[] = [];
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const prototype = prototypeOf(wrapper);
      if (!prototype) continue;
      for (const methodName of this.methods.getAllMethodNames(prototype)) {
        const options = optionsOf<Options>(key, prototype, methodName);
        if (options === undefined) continue;
        const origin = `${prototype.constructor.name}.${methodName}`;
        if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
          faults.push(`${origin}: its provider is request-scoped or transient; a tool lives as long as the server`);
          continue;
        }
        const instance = wrapper.instance as object;
        if (seen.has(instance) && features.some((found) => found.origin === origin)) continue;
        try {
          const guarded = { ...options, ...accessOptions(prototype, methodName, options) };
          features.push({ options: guarded, methodName, origin, ...this.handler(instance, methodName) });
          seen.add(instance);
        } catch (error) {
          faults.push(`${origin}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
    return { features, faults };
  }

  private handler(instance: object, methodName: string): Pick<Feature<unknown>, 'run' | 'firstParameter'> {
    const types = Reflect.getMetadata('design:paramtypes', instance, methodName) as unknown[] | undefined;
    return { run: this.enhancers.wrap(instance, methodName), firstParameter: types?.[0] };
  }
}

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

function prototypeOf(wrapper: Wrapper): object | undefined {
  const { metatype } = wrapper;
  const instance: unknown = wrapper.instance;
  if (typeof instance === 'object' && instance !== null) return Object.getPrototypeOf(instance) as object | undefined;
  // A request-scoped provider has no instance yet; its class tells whether it would have been a tool.
  return typeof metatype === 'function' ? (metatype.prototype as object | undefined) : undefined;
}

function optionsOf<Options>(key: symbol, prototype: object, methodName: string): Options | undefined {
  const method = (prototype as Record<string, unknown>)[methodName];
  return typeof method === 'function' ? (Reflect.getMetadata(key, method) as Options | undefined) : undefined;
}

/**
 * What `@Roles`, `@Scopes` and `@Public` on a method or its class add to its options.
 * @throws Error they and the options speak of the same, or they say what is of no meaning here
 */
function accessOptions(prototype: object, methodName: string, options: FeatureOptions): FeatureOptions {
  const method = (prototype as Record<string, unknown>)[methodName] as object;
  const rule = accessRuleOf(method, prototype.constructor);
  if (!rule) return {};
  if (rule.permission) throw new Error('@RequiresPermission is for REST routes: use @Roles or @Scopes');
  const { roles, scopes, isPublic } = rule;
  const added = { ...(roles && { roles }), ...(scopes && { scopes }), ...(isPublic && { public: isPublic }) };
  const twice = Object.keys(added).filter((key) => options[key as keyof typeof added] !== undefined);
  if (twice.length > 0) throw new Error(`${twice.join(', ')}: said by a decorator and in its options, say it once`);
  return added;
}
