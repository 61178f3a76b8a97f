import type { ErrorKind } from './error-codes.js';

const BRAND: unique symbol = Symbol.for('mcp-gatehouse.error') as never;

/** What an error may carry besides its kind and message. */
export interface GatehouseErrorOptions {
  /** What led to it; logged, never sent. */
  readonly cause?: unknown;
  /** Sent as `error.data` beside `kind` and `requestId`: JSON, without secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * An error whose message a caller may read: it says what happened and what to do next, without secrets, paths or
 * stacks. Anything else that is thrown reaches callers as `internal` or `tool_failed`, and its text stays in the log.
 */
export abstract class GatehouseError extends Error {
  /** Where it goes: `protocol` is a JSON-RPC error, `tool` a result with `isError: true`. */
  abstract readonly family: 'protocol' | 'tool';
  readonly data: Readonly<Record<string, unknown>> | undefined;
  readonly [BRAND] = true;

  constructor(
    readonly kind: ErrorKind,
    message: string,
    options: GatehouseErrorOptions = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.data = options.data;
  }
}

/** A fault of the message or of its place: goes on the wire as a JSON-RPC error. */
export class ProtocolError extends GatehouseError {
  override readonly family = 'protocol';
}

/**
 * A failure of a tool that the model should read: becomes a result with `isError: true` and this message.
 * @example throw new ToolError('No city called Atlantis. Ask for one of: Oslo, Lima.');
 */
export class ToolError extends GatehouseError {
  override readonly family = 'tool';

  constructor(message: string, options: GatehouseErrorOptions & { readonly kind?: ErrorKind } = {}) {
    super(options.kind ?? 'tool_failed', message, options);
  }
}

/** Whether a value is one of our errors: holds across two copies of this package, as a plug-in may bring its own. */
export function isGatehouseError(value: unknown): value is GatehouseError {
  return typeof value === 'object' && value !== null && BRAND in value;
}
