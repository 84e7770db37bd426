import type { Template } from '../../../src/shared/contracts/api.ts';

export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'colour' | 'json';
export type FieldValue = string | boolean;

/** One parameter of a template, as a field of a form. */
export interface FormField {
  name: string;
  label: string;
  /** The schema's description; empty: it has none. */
  help: string;
  required: boolean;
  kind: FieldKind;
  /** Of a `choice`: the allowed values, in order. */
  choices: readonly Json[];
  initial: FieldValue;
}

type Json = Template['schema'][string];
type JsonObject = Record<string, Json>;

/**
 * A template's JSON Schema → its fields: what must be filled in first, else in the order that the farm gives. What has no
 * field of its own is written as JSON.
 */
export function fieldsOf({ schema, slots }: Pick<Template, 'schema' | 'slots'>): FormField[] {
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = Object.entries(objectOf(schema['properties'])).map(([name, property]): FormField => {
    const rule = objectOf(property);
    const kind = kindOf(rule, slots[name]?.kind);
    const choices = choicesOf(rule);
    return {
      name,
      label: textOf(rule['title']) || name,
      help: textOf(rule['description']),
      required: required.includes(name),
      kind,
      choices,
      initial: initialOf(kind, rule['default'], choices),
    };
  });
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

function kindOf(rule: JsonObject, slot: 'text' | 'colour' | 'number' | undefined): FieldKind {
  if (Array.isArray(rule['enum'])) return 'choice';
  const type = rule['type'];
  if (type === 'boolean') return 'boolean';
  if (type === 'number' || type === 'integer') return 'number';
  if (type === 'string') return slot === 'colour' ? 'colour' : 'text';
  if (type === undefined && slot !== undefined) return slot;
  return 'json';
}

const choicesOf = (rule: JsonObject): readonly Json[] => (Array.isArray(rule['enum']) ? rule['enum'] : []);

export function initialOf(kind: FieldKind, value: Json | undefined, choices: readonly Json[]): FieldValue {
  if (kind === 'boolean') return value === true;
  if (value === undefined) return '';
  if (kind === 'choice')
    return choiceKey(choices.findIndex((one) => JSON.stringify(one) === JSON.stringify(value)));
  return kind === 'json' || typeof value !== 'string' ? JSON.stringify(value) : value;
}

/** How a choice is told in a form: `1` and `"1"` are two choices. Not among them: none. */
export const choiceKey = (index: number): string => (index < 0 ? '' : String(index));

/**
 * What was filled in → the template's data. An empty field that may be left out is left out; whatever does not read as a
 * number or as JSON goes on as text, so that the farm says of it what it expects.
 */
export function dataOf(
  fields: readonly FormField[],
  values: Readonly<Record<string, FieldValue>>,
): Record<string, Json> {
  const data: Record<string, Json> = {};
  for (const field of fields) {
    const value = values[field.name] ?? field.initial;
    if (value === '' && !(field.required && field.kind === 'text')) continue;
    data[field.name] = typeof value === 'boolean' ? value : valueOf(field, value);
  }
  return data;
}

function valueOf({ kind, choices }: FormField, text: string): Json {
  if (kind === 'choice') return choices[Number(text)] ?? text;
  if (kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind !== 'json') return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
