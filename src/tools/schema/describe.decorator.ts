import { JSONSchema } from 'class-validator-jsonschema';

/**
 * Says what a property of a DTO is for, in words for a model.
 * @param schema more JSON Schema of the property, such as `examples` or `default`
 */
export function Describe(description: string, schema: Readonly<Record<string, unknown>> = {}): PropertyDecorator {
  return JSONSchema({ description, ...schema }) as PropertyDecorator;
}
