import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js';
import { UriTemplate, type Variables } from '@modelcontextprotocol/sdk/shared/uriTemplate.js';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/index.js';
import { ProtocolError } from '../common/index.js';
import {
  CallGate,
  type CallScope,
  type Feature,
  FeatureRunner,
  FeatureScanner,
  featureTarget,
  type GateTarget,
} from '../tools/index.js';
import { toResourceResult } from './resource-contents.js';
import {
  RESOURCE_METADATA,
  RESOURCE_TEMPLATE_METADATA,
  type ResourceOptions,
  type ResourceTemplateOptions,
} from './resource.decorator.js';

/** A longer URI fits no template: matching takes time that grows with it. RFC 9110 section 4.1 asks for 8,000 octets. */
const MAX_TEMPLATE_URI_CHARS = 8_192;

interface Registered<Options> {
  readonly name: string;
  readonly options: Options;
  readonly origin: string;
  readonly ordinal: number;
  readonly target: GateTarget;
  readonly run: (...args: unknown[]) => unknown;
}

export type RegisteredResource = Registered<ResourceOptions>;
export type RegisteredResourceTemplate = Registered<ResourceTemplateOptions> & { readonly template: UriTemplate };

/** The resources and resource templates there are, in a stable order. */
@Injectable()
export class ResourceRegistry {
  private readonly byUri = new Map<string, RegisteredResource>();
  private readonly byTemplate = new Map<string, RegisteredResourceTemplate>();
  private changes = 0;

  constructor(
    private readonly scanner: FeatureScanner,
    private readonly gate: CallGate,
    private readonly runner: FeatureRunner,
  ) {}

  /** Grows with every change of what can be listed. */
  get version(): number {
    return this.changes;
  }

  resources(): readonly RegisteredResource[] {
    return [...this.byUri.values()];
  }

  templates(): readonly RegisteredResourceTemplate[] {
    return [...this.byTemplate.values()];
  }

  /** Finds the decorated methods. @returns everything that is wrong with any of them, a sentence each */
  load(): readonly string[] {
    const fixed = this.scanner.scan<ResourceOptions>(RESOURCE_METADATA);
    const templates = this.scanner.scan<ResourceTemplateOptions>(RESOURCE_TEMPLATE_METADATA);
    this.changes += 1;
    return [
      ...fixed.faults,
      ...templates.faults,
      ...fixed.features.flatMap((feature) => this.addResource(feature)),
      ...templates.features.flatMap((feature) => this.addTemplate(feature)),
    ];
  }

  /**
   * Reads one resource: a fixed one, or the first template that the URI fits.
   * @throws ProtocolError resource_not_found, and what the resource throws
   * @see MCP 2025-11-25, server/resources, "Reading Resources"
   */
  async read(uri: string, scope: CallScope): Promise<ReadResourceResult> {
    scope.args = { uri };
    const fixed = this.byUri.get(uri);
    if (fixed) {
      const value = await this.runner.run(fixed.target, scope, (context) => fixed.run(uri, context));
      return toResourceResult(value, uri, fixed.options.mimeType);
    }
    const found = this.match(uri);
    if (!found) {
      this.gate.denied(`resource:${uri}`, scope, 'resource_not_found');
      throw resourceNotFound(uri);
    }
    const { registered, variables } = found;
    // Who may not see it gets the answer that any other URI gets: not one that names the template.
    const target = { ...registered.target, uri, unknown: () => resourceNotFound(uri) };
    const value = await this.runner.run(target, scope, (context) => registered.run(variables, context, uri));
    return toResourceResult(value, uri, registered.options.mimeType);
  }

  /**
   * @returns whether there is a resource of this URI for this caller
   */
  isVisible(uri: string, principal: Principal): boolean {
    const target = this.targetOf(uri);
    return target !== undefined && this.gate.isVisible(target, principal);
  }

  /** @throws ProtocolError resource_not_found, insufficient_scope, quarantined */
  requireOpen(uri: string, principal: Principal): void {
    const target = this.targetOf(uri);
    if (!target) throw resourceNotFound(uri);
    this.gate.require(target, principal);
  }

  /** @returns what policies decide on where this URI is read */
  targetOf(uri: string): GateTarget | undefined {
    const fixed = this.byUri.get(uri)?.target;
    if (fixed) return fixed;
    const found = this.match(uri)?.registered.target;
    return found && { ...found, uri, unknown: () => resourceNotFound(uri) };
  }

  private match(uri: string): { registered: RegisteredResourceTemplate; variables: Variables } | undefined {
    if (uri.length > MAX_TEMPLATE_URI_CHARS) return undefined;
    for (const registered of this.byTemplate.values()) {
      const variables = registered.template.match(uri);
      if (variables) return { registered, variables };
    }
    return undefined;
  }

  private addResource(feature: Feature<ResourceOptions>): readonly string[] {
    const { uri } = feature.options;
    const other = this.byUri.get(uri);
    if (other) return [`${feature.origin}: resource "${uri}" is already defined by ${other.origin}`];
    if (!URL.canParse(uri)) return [`${feature.origin}: "${uri}" is not an absolute URI`];
    this.byUri.set(uri, this.register(feature, uri, this.byUri.size));
    return [];
  }

  private addTemplate(feature: Feature<ResourceTemplateOptions>): readonly string[] {
    const { uriTemplate } = feature.options;
    const other = this.byTemplate.get(uriTemplate);
    if (other) return [`${feature.origin}: resource template "${uriTemplate}" is already defined by ${other.origin}`];
    try {
      const template = new UriTemplate(uriTemplate);
      const registered = this.register(feature, uriTemplate, this.byTemplate.size);
      this.byTemplate.set(uriTemplate, { ...registered, template });
      return [];
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return [`${feature.origin}: "${uriTemplate}" is not a URI template: ${why}`];
    }
  }

  private register<Options extends ResourceOptions | ResourceTemplateOptions>(
    feature: Feature<Options>,
    key: string,
    ordinal: number,
  ): Registered<Options> {
    const { options, origin, methodName, run } = feature;
    const target = this.gate.target(featureTarget('resource', key, options), () => resourceNotFound(key));
    return { name: options.name ?? methodName, options, origin, ordinal, target, run };
  }
}

function resourceNotFound(uri: string): ProtocolError {
  return new ProtocolError('resource_not_found', `Resource not found: ${uri}`, { data: { uri } });
}
