import { isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';

/**
 * A form in the words of 2025-06-18, which knows one kind of choice: an `enum`, with its titles beside it.
 * @param schema of a form of 2025-11-25
 * @throws ProtocolError missing_capability a field is a choice of several
 * @see MCP 2025-06-18, client/elicitation, "Requested Schema"
 */
export function earlyForm(schema: JsonObject): JsonObject {
  const fields = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const properties = Object.entries(fields).map(([name, field]) => [name, earlyField(name, field)] as const);
  return { ...schema, properties: Object.fromEntries(properties) };
}

function earlyField(name: string, field: unknown): unknown {
  if (!isJsonObject(field)) return field;
  if (field['type'] === 'array') {
    throw new ProtocolError(
      'missing_capability',
      `The form lets its user choose several (${name}): this needs a client of 2025-11-25`,
    );
  }
  const { oneOf, ...rest } = field;
  if (!Array.isArray(oneOf)) return field;
  const choices = oneOf as readonly JsonObject[];
  return {
    ...rest,
    enum: choices.map((choice) => choice['const']),
    enumNames: choices.map((choice) => choice['title'] ?? choice['const']),
  };
}
