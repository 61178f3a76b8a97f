import { isJsonObject, type JsonObject, ProtocolError } from '../common/index.js';

/** @throws ProtocolError invalid_params */
export function stringParam(params: JsonObject, key: string): string {
  const value = params[key];
  if (typeof value === 'string') return value;
  throw new ProtocolError('invalid_params', `Invalid params: ${key} must be a string`);
}

/** @throws ProtocolError invalid_params the value is there and no object */
export function objectParam(params: JsonObject, key: string): JsonObject | undefined {
  const value = params[key];
  if (value === undefined || isJsonObject(value)) return value;
  throw new ProtocolError('invalid_params', `Invalid params: ${key} must be an object`);
}

/** @throws ProtocolError invalid_params a value of the object is no string */
export function stringMapParam(params: JsonObject, key: string): Record<string, string> {
  const map = objectParam(params, key) ?? {};
  for (const [name, value] of Object.entries(map)) {
    if (typeof value !== 'string')
      throw new ProtocolError('invalid_params', `Invalid params: ${key}.${name} must be a string`);
  }
  return map as Record<string, string>;
}
