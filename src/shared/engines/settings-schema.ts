import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { describeValue, messageOf, type InputIssue } from '../domain/errors.ts';
import { Pattern } from './patterns.ts';

export type JsonSchema = Record<string, unknown>;

/** ajv makes a pattern once a schema; RE2 keeps it from running for ever. */
const patternEngine = Object.assign((text: string) => new Pattern(text), { code: 'new Pattern' });

/**
 * The schema of an object whose unknown properties are refused, unless it says otherwise.
 */
export function objectSchema(schema: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: false, ...schema };
}

/** Settings that name a file, which workers fetch: properties of the format `asset`. */
export function fileSettings(schema: JsonSchema): string[] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  return Object.keys(properties).filter((name) => properties[name]?.['format'] === 'asset');
}

/** Holds an object against a JSON Schema 2020-12, with what it says as defaults filled in. */
export class ObjectCheck {
  readonly schema: JsonSchema;
  readonly #what: string;
  #validate: ValidateFunction | undefined;

  /** @param what one property of it is called, such as `setting` */
  constructor(schema: JsonSchema, what: string) {
    this.schema = schema;
    this.#what = what;
  }

  /** @returns what keeps the schema itself from being used; undefined when nothing does */
  fault(): string | undefined {
    try {
      this.#compiled();
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /**
   * @param path where the object stands, for issues such as `settings.quality`
   * @returns a copy with defaults, and every issue at once
   */
  check(
    value: Record<string, unknown>,
    path: string,
  ): { value: Record<string, unknown>; issues: InputIssue[] } {
    const filled = structuredClone(value);
    const validate = this.#compiled();
    const issues = validate(filled)
      ? []
      : (validate.errors ?? [])
          // What is wrong with the name, another error says.
          .filter(({ keyword }) => keyword !== 'propertyNames')
          .map((error) => toIssue(error, path, this.#what));
    return { value: filled, issues };
  }

  #compiled(): ValidateFunction {
    this.#validate ??= compile(this.schema);
    return this.#validate;
  }
}

let ajv: Ajv2020 | undefined;

/** Making an Ajv takes a quarter of a second, for it compiles the schema of schemas: there is one. */
function compile(schema: JsonSchema): ValidateFunction {
  ajv ??= new Ajv2020({
    allErrors: true,
    useDefaults: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    // What `asset` names is looked up, not only looked at; of other formats nothing is known, so they are refused.
    formats: { asset: true },
    verbose: true,
    logger: false,
    code: { regExp: patternEngine },
  });
  try {
    return ajv.compile(schema);
  } finally {
    // It would keep every schema, and refuse another one of the same $id.
    ajv.removeSchema(schema);
  }
}

/** What ajv says, as where, what and what instead. Needs `verbose`. */
function toIssue(error: ErrorObject, base: string, what: string): InputIssue {
  const pointer = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object).join(', ');
    return {
      path: pathOf(base, [...pointer, String(error.params['additionalProperty']).slice(0, 80)]),
      value: `an unknown ${what}`,
      expected: known === '' ? `no ${what}s` : `one of ${known}`,
    };
  }
  if (error.keyword === 'required')
    return {
      path: pathOf(base, [...pointer, String(error.params['missingProperty'])]),
      value: 'nothing',
      expected: 'a value',
    };
  if (error.propertyName !== undefined)
    return {
      path: pathOf(base, [...pointer, error.propertyName.slice(0, 80)]),
      value: `the name ${describeValue(error.propertyName)}`,
      expected: expectedOf(error),
    };
  return { path: pathOf(base, pointer), value: describeValue(error.data), expected: expectedOf(error) };
}

function expectedOf(error: ErrorObject): string {
  const { params, parentSchema } = error;
  const described: unknown = parentSchema?.['description'];
  if (error.keyword === 'pattern' && typeof described === 'string') return described;
  if (error.keyword === 'enum') return `one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
  if (error.keyword === 'const') return describeValue(params['allowedValue']);
  return (error.message ?? error.keyword).replace(/^must (?:be )?/, '');
}

function pathOf(base: string, parts: readonly string[]): string {
  return parts.reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : `${path}.${part}`), base);
}
