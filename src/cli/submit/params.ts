import { describeValue } from '../../shared/domain/errors.ts';
import { UsageError } from '../support/exit-codes.ts';

export type JsonObject = Record<string, unknown>;

/**
 * Turns `--param name=value` into values of the types that a JSON Schema asks for. A name that the schema has not is
 * taken as a path: `animation.initialFrame=1`.
 * @param what whose parameters they are, for the error: `template title-card`.
 * @throws UsageError naming the parameter, its value and what is expected.
 */
export function typedParams(params: readonly string[], schema: JsonObject, what: string): JsonObject {
  const result: JsonObject = {};
  for (const param of params) {
    const at = param.indexOf('=');
    if (at < 1) throw new UsageError(`--param ${JSON.stringify(param)} is not name=value.`);
    const path = splitName(param.slice(0, at), schema, what);
    assign(result, path, typedValue(param.slice(at + 1), schemaAt(schema, path), param.slice(0, at)));
  }
  return result;
}

function splitName(name: string, schema: JsonObject, what: string): string[] {
  if (Object.hasOwn(propertiesOf(schema), name)) return [name];
  const path = name.split('.');
  if (schemaAt(schema, path) === undefined) {
    const known = Object.keys(propertiesOf(schema));
    const list = known.length === 0 ? 'It takes none.' : `It takes: ${known.join(', ')}.`;
    throw new UsageError(`--param ${name}: ${what} has no parameter ${JSON.stringify(name)}. ${list}`);
  }
  return path;
}

/** @returns the schema of the value at `path`; `{}` where anything goes, undefined where nothing is allowed. */
function schemaAt(schema: JsonObject, path: readonly string[]): JsonObject | undefined {
  let at: JsonObject | undefined = schema;
  for (const key of path) {
    const properties = propertiesOf(at);
    if (Object.hasOwn(properties, key)) at = asObject(properties[key]);
    else if (at['additionalProperties'] === undefined || at['additionalProperties'] === false)
      return undefined;
    else at = asObject(at['additionalProperties']);
  }
  return at;
}

function typedValue(text: string, schema: JsonObject | undefined, name: string): unknown {
  const type = schema?.['type'];
  if (type === 'string') return text;
  if (type === 'number' || type === 'integer') {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value)))
      throw new UsageError(
        `--param ${name}: got ${describeValue(text)}, expected a ${type === 'integer' ? 'whole ' : ''}number.`,
      );
    return value;
  }
  if (type === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new UsageError(`--param ${name}: got ${describeValue(text)}, expected true or false.`);
  }
  return looseValue(text, type, name);
}

/** A list, an object, or a value of several possible types: JSON where it is JSON, else the text itself. */
function looseValue(text: string, type: unknown, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (type !== 'array' && type !== 'object') return text;
    throw new UsageError(
      `--param ${name}: got ${describeValue(text)}, expected JSON (${type === 'array' ? '["a","b"]' : '{"a":1}'}).`,
      { cause: error },
    );
  }
}

function assign(target: JsonObject, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) define(target, key, value);
  else {
    if (!Object.hasOwn(target, key)) define(target, key, {});
    assign(asObject(target[key]), rest, value);
  }
}

/** Never through a setter: `__proto__=…` is a name like any other here, and the farm refuses it. */
function define(target: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function propertiesOf(schema: JsonObject): JsonObject {
  return asObject(schema['properties']);
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
}
