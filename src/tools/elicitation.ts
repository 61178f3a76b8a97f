import { isJsonObject, type JsonObject } from '../common/index.js';

/** A form for the user: a flat object of strings, numbers, booleans and choices. */
export interface ElicitFormRequest {
  readonly message: string;
  /** JSON Schema of the form. @see MCP 2025-11-25, client/elicitation, "Requested Schema" */
  readonly requestedSchema: JsonObject;
}

/** A page for the user to visit: for what must not pass through the client, such as a password. */
export interface ElicitUrlRequest {
  readonly message: string;
  readonly url: string;
}

/** What the user did. */
export interface ElicitAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  /** What was filled in, where the user accepted a form. */
  readonly content?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** @returns what is wrong with the answer to a form, or undefined */
export function elicitFault(answer: JsonObject, schema: JsonObject | undefined): string | undefined {
  const { action, content } = answer;
  if (action !== 'accept' && action !== 'decline' && action !== 'cancel')
    return 'action must be accept, decline or cancel';
  if (action !== 'accept' || !schema) return undefined;
  if (!isJsonObject(content)) return 'content must be an object';
  return contentFault(content, schema);
}

function contentFault(content: JsonObject, schema: JsonObject): string | undefined {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  for (const name of required) if (content[String(name)] === undefined) return `${String(name)} is missing`;
  for (const [name, value] of Object.entries(content)) {
    const property = properties[name];
    if (isJsonObject(property) && !fits(value, property)) return `${name} does not fit its schema`;
  }
  return undefined;
}

/** The few kinds of fields that a form can have. */
function fits(value: unknown, field: JsonObject): boolean {
  const choices = choicesOf(field);
  switch (field['type']) {
    case 'string':
      return typeof value === 'string' && (!choices || choices.includes(value));
    case 'number':
      return typeof value === 'number';
    case 'integer':
      return Number.isInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'array': {
      const items = isJsonObject(field['items']) ? choicesOf(field['items']) : undefined;
      return (
        Array.isArray(value) && value.every((item) => typeof item === 'string' && (!items || items.includes(item)))
      );
    }
    default:
      return true;
  }
}

/** The values of a choice, titled or not. */
function choicesOf(field: JsonObject): readonly unknown[] | undefined {
  if (Array.isArray(field['enum'])) return field['enum'] as unknown[];
  const titled = field['oneOf'] ?? field['anyOf'];
  return Array.isArray(titled) ? titled.map((choice: JsonObject) => choice['const']) : undefined;
}
