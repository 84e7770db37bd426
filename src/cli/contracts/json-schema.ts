import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/**
 * A zod schema as JSON Schema 2020-12, without references: a value that may be any JSON is `{}`.
 * @throws Error for a recursive schema of another kind, which the tables cannot show.
 */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // z.json() is the only recursive schema of the contracts.
      if (zodSchema._zod.def.type === 'lazy')
        for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
    },
  }) as JsonSchema;
  const definitions = (json['$defs'] ?? {}) as Record<string, JsonSchema>;
  for (const [name, definition] of Object.entries(definitions))
    if (Object.keys(definition).length > 0) throw new Error(`The schema is recursive at ${name}`);
  delete json['$schema'];
  delete json['$defs'];
  return resolve(json) as JsonSchema;
}

/** References point to empty definitions only; `~standard` is zod's own. */
function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve);
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === 'propertyNames' && isPlainString(inner)) && key !== '~standard')
      .map(([key, inner]) => [key, resolve(inner)]),
  );
}

function isPlainString(value: unknown): boolean {
  return JSON.stringify(value) === '{"type":"string"}';
}
