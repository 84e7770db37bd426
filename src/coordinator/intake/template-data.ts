import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { FarmError, describeValue, messageOf, type InputIssue } from '../../shared/domain/errors.ts';

const KEPT_SCHEMAS = 64;

/** Holds `data` against templates' JSON Schemas (2020-12); defaults in the schema are filled in. */
export class TemplateData {
  // One instance a schema: ajv refuses a second schema of the same $id, and templates of two versions may share one.
  readonly #validators = new Map<string, ValidateFunction>();

  /**
   * @param template `<name>@<version>`, which never changes its schema.
   * @param path where the data stands in the job document, for issues such as `data.title`.
   * @returns the data with defaults, and every issue at once.
   */
  check(
    template: string,
    schema: Record<string, unknown>,
    data: Record<string, unknown>,
    path: string,
  ): { data: Record<string, unknown>; issues: InputIssue[] } {
    const validate = this.#validator(template, schema);
    const filled = structuredClone(data);
    if (validate(filled)) return { data: filled, issues: [] };
    return {
      data: filled,
      issues: (validate.errors ?? []).map((error) => toIssue(error, filled, (parts) => pathOf(path, parts))),
    };
  }

  /** What is wrong with data that stands alone, such as a row of a batch: paths are JSON pointers into it. */
  pointerIssues(
    template: string,
    schema: Record<string, unknown>,
    data: Record<string, unknown>,
  ): InputIssue[] {
    const validate = this.#validator(template, schema);
    const filled = structuredClone(data);
    if (validate(filled)) return [];
    return (validate.errors ?? []).map((error) => toIssue(error, filled, pointerOf));
  }

  #validator(template: string, schema: Record<string, unknown>): ValidateFunction {
    const known = this.#validators.get(template);
    if (known) return known;
    const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, validateFormats: false });
    let validate: ValidateFunction;
    try {
      validate = ajv.compile(schema);
    } catch (error) {
      throw new FarmError(
        'invalid',
        `Template ${template} has a schema that cannot be used: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    const oldest = this.#validators.keys().next().value;
    if (this.#validators.size >= KEPT_SCHEMAS && oldest !== undefined) this.#validators.delete(oldest);
    this.#validators.set(template, validate);
    return validate;
  }
}

function toIssue(error: ErrorObject, data: unknown, write: (parts: readonly string[]) => string): InputIssue {
  const pointer = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (error.keyword === 'required') pointer.push(String(error.params['missingProperty']));
  if (error.keyword === 'additionalProperties')
    return {
      path: write([...pointer, String(error.params['additionalProperty'])]),
      value: 'an unknown parameter',
      expected: 'only parameters of the template',
    };
  return {
    path: write(pointer),
    value: describeValue(valueAt(data, pointer)),
    expected: expectedOf(error),
  };
}

function expectedOf(error: ErrorObject): string {
  const { params } = error;
  if (error.keyword === 'required') return 'a value: the template asks for it';
  if (error.keyword === 'enum') return `one of ${describeValue(params['allowedValues'])}`;
  if (error.keyword === 'const') return describeValue(params['allowedValue']);
  return (error.message ?? error.keyword).replace(/^must be /, '').replace(/^must /, '');
}

/** RFC 6901. */
function pointerOf(parts: readonly string[]): string {
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function pathOf(base: string, parts: readonly string[]): string {
  return parts.reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : `${path}.${part}`), base);
}

function valueAt(data: unknown, parts: readonly string[]): unknown {
  return parts.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string, unknown>)[part]
        : undefined,
    data,
  );
}
