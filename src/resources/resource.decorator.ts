import type { FeatureOptions } from '../tools/index.js';

export const RESOURCE_METADATA = Symbol.for('mcp-gatehouse.resource');
export const RESOURCE_TEMPLATE_METADATA = Symbol.for('mcp-gatehouse.resource-template');

/** Hints on who a resource is for. @see MCP 2025-11-25, server/resources, "Annotations" */
export interface ResourceAnnotations {
  readonly audience?: readonly ('user' | 'assistant')[];
  /** 0 (least) to 1 (most important). */
  readonly priority?: number;
  /** ISO 8601. */
  readonly lastModified?: string;
}

interface ResourceFeature extends FeatureOptions {
  /** The method's name when left out. */
  readonly name?: string;
  readonly mimeType?: string;
  readonly annotations?: ResourceAnnotations;
}

export interface ResourceOptions extends ResourceFeature {
  /** Absolute URI. */
  readonly uri: string;
  /** Bytes, where it is known. */
  readonly size?: number;
}

export interface ResourceTemplateOptions extends ResourceFeature {
  /** RFC 6570 template, level 1 to 3: `repo://{owner}/{name}`. */
  readonly uriTemplate: string;
}

/**
 * Makes a method a resource: `method(uri, context)`. It returns a string (text), a Buffer or Uint8Array (blob), a
 * plain object (JSON text), or resource contents.
 */
export function Resource(options: ResourceOptions): MethodDecorator {
  return (_target, _key, descriptor) => {
    Reflect.defineMetadata(RESOURCE_METADATA, options, descriptor.value as object);
  };
}

/** Makes a method serve every URI of a template: `method(variables, context, uri)`; returns as {@link Resource}. */
export function ResourceTemplate(options: ResourceTemplateOptions): MethodDecorator {
  return (_target, _key, descriptor) => {
    Reflect.defineMetadata(RESOURCE_TEMPLATE_METADATA, options, descriptor.value as object);
  };
}
