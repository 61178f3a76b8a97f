import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Enhancers } from './enhancers.js';

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
  scan<Options>(key: symbol): Scan<Options> {
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
          features.push({ options, methodName, origin, ...this.handler(instance, methodName) });
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
