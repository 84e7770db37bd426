import type { JsonSchema } from './json-schema.ts';

interface Row {
  path: string;
  type: string;
  required: boolean;
}

/** A message's fields as Markdown: one table, or one for each variant of a union. */
export function schemaTables(schema: JsonSchema): string {
  const variants = variantsOf(schema);
  if (variants === undefined) return table(rowsOf(schema, ''));
  return variants.map((variant) => `${variantTitle(variant)}\n\n${table(rowsOf(variant, ''))}`).join('\n\n');
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ path, type, required }) => `| \`${path}\` | ${type} | ${required ? 'yes' : 'no'} |`,
  );
  return ['| field | value | required |', '| --- | --- | --- |', ...lines].join('\n');
}

function variantTitle(variant: JsonSchema): string {
  const type = property(property(variant, 'properties'), 'type')['const'];
  if (typeof type === 'string') return `\`type: "${type}"\``;
  return `With ${listOf(variant['required'])
    .map((field) => `\`${field}\``)
    .join(', ')}:`;
}

function rowsOf(schema: JsonSchema, prefix: string): Row[] {
  const required = new Set(listOf(schema['required']));
  return Object.entries(property(schema, 'properties')).flatMap(([name, value]) => {
    const inner = value as JsonSchema;
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return [{ path, type: typeText(inner), required: required.has(name) }, ...innerRows(inner, path)];
  });
}

/** The fields of an object inside a field: of itself, of a list's items, of a map's values. */
function innerRows(schema: JsonSchema, path: string): Row[] {
  if (schema['type'] === 'array') return innerRows(property(schema, 'items'), `${path}[]`);
  if (schema['type'] !== 'object') return [];
  if (schema['properties'] !== undefined) return rowsOf(schema, path);
  return innerRows(property(schema, 'additionalProperties'), `${path}.*`);
}

/** What a value may be, in words that stand in a table cell. */
export function typeText(schema: JsonSchema): string {
  if (schema['const'] !== undefined) return `\`${JSON.stringify(schema['const'])}\``;
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(', ');
  const variants = variantsOf(schema);
  if (variants !== undefined) return variants.map(typeText).join(' or ');
  switch (schema['type']) {
    case 'string':
      return stringText(schema);
    case 'integer':
    case 'number':
      return numberText(schema);
    case 'array':
      return `list of ${typeText(property(schema, 'items'))}${limits(schema['minItems'], schema['maxItems'])}`;
    case 'object':
      return schema['properties'] === undefined
        ? `map of ${typeText(property(schema, 'additionalProperties'))}`
        : 'object';
    case 'boolean':
    case 'null':
      return schema['type'];
    default:
      return 'any JSON';
  }
}

const ID = '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$';
const SHA256 = '^[0-9a-f]{64}$';

function stringText(schema: JsonSchema): string {
  if (schema['pattern'] === ID) return 'id';
  if (schema['pattern'] === SHA256) return 'SHA-256, hexadecimal';
  if (typeof schema['format'] === 'string') return `string, ${schema['format']}`;
  return `string${limits(schema['minLength'], schema['maxLength'])}`;
}

function numberText(schema: JsonSchema): string {
  const word = schema['type'] === 'integer' ? 'whole number' : 'number';
  return `${word}${limits(schema['minimum'], schema['maximum'])}`;
}

/** zod writes the limits of safe integers into every integer; those say nothing. */
function limits(min: unknown, max: unknown): string {
  const low = typeof min === 'number' && min > Number.MIN_SAFE_INTEGER ? min : undefined;
  const high = typeof max === 'number' && max < Number.MAX_SAFE_INTEGER ? max : undefined;
  const text = (value: number): string => value.toLocaleString('en');
  if (low !== undefined && high !== undefined) return ` (${text(low)}–${text(high)})`;
  if (high !== undefined) return ` (up to ${text(high)})`;
  return low === undefined ? '' : ` (${text(low)} or more)`;
}

function variantsOf(schema: JsonSchema): JsonSchema[] | undefined {
  const variants = schema['oneOf'] ?? schema['anyOf'];
  return Array.isArray(variants) ? (variants as JsonSchema[]) : undefined;
}

function property(schema: JsonSchema, name: string): JsonSchema {
  const value = schema[name];
  return typeof value === 'object' && value !== null ? (value as JsonSchema) : {};
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}
