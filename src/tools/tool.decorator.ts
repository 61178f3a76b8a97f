import type { ToolOptions } from './tool-options.js';

/** Metadata key on a method; registered globally, so that a plug-in's own copy of this package writes the same. */
export const TOOL_METADATA = Symbol.for('mcp-gatehouse.tool');

/**
 * Makes a method of a provider a tool: `method(args, context)`.
 * @example
 * \@Injectable()
 * export class Greetings {
 *   \@Tool({ description: 'Greet someone', readOnly: true })
 *   greet({ name }: GreetDto) { return `Hello, ${name}!`; }
 * }
 */
export function Tool(options: ToolOptions = {}): MethodDecorator {
  return (_target, _key, descriptor) => {
    Reflect.defineMetadata(TOOL_METADATA, options, descriptor.value as object);
  };
}
