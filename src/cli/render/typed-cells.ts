import { Ajv2020 } from 'ajv/dist/2020.js';
import { patternColumns } from '../../shared/domain/row-name.ts';
import { describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import type { JsonObject } from '../submit/params.ts';
import { UsageError } from '../support/exit-codes.ts';

/** Turns cells of one table into a row's data. */
export type CellReader = (cells: readonly string[]) => JsonObject;

interface Table {
  /** Where it is, for errors. */
  file: string;
  header: readonly string[];
}

type ReadCell = (text: string) => unknown;

/**
 * Reads a table by the template's schema: numbers, whole numbers, booleans, lists and objects are read as such where the
 * text is one; everything else stays the text that it is. An empty cell is the empty text where the template takes that, and
 * otherwise no value.
 * @throws UsageError with everything that is wrong with the header.
 */
export function cellReader(table: Table, schema: JsonObject, namePattern: string | undefined): CellReader {
  const names = table.header.map((name) => name.trim());
  assertHeader(table.file, names, schema, namePattern);
  const columns = names.map((name) => ({ name, read: readerOf(name, schema) }));
  return (cells) => {
    const row: JsonObject = {};
    for (const [i, { name, read }] of columns.entries()) {
      const value = read(cells[i] ?? '');
      if (value !== undefined)
        Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
    }
    return row;
  };
}

function assertHeader(
  file: string,
  names: readonly string[],
  schema: JsonObject,
  namePattern: string | undefined,
): void {
  const known = Object.keys(propertiesOf(schema));
  const naming = patternColumns(namePattern ?? '');
  const others = schema['additionalProperties'] !== undefined && schema['additionalProperties'] !== false;
  const issues: InputIssue[] = [];
  const list = known.join(', ') || 'none';
  for (const [i, name] of names.entries()) {
    const path = `column ${i + 1}`;
    if (name === '') issues.push({ path, value: 'no name', expected: 'a name in the first line' });
    else if (names.indexOf(name) !== i)
      issues.push({ path, value: describeValue(name), expected: 'each column once' });
    else if (name.startsWith('$'))
      issues.push({ path, value: describeValue(name), expected: 'a name that does not begin with $' });
    else if (!known.includes(name) && !naming.includes(name) && !others)
      issues.push({
        path,
        value: describeValue(name),
        expected: `a parameter of the template (${list}), or a column that --name-pattern names`,
      });
  }
  for (const name of requiredOf(schema))
    if (!names.includes(name))
      issues.push({ path: 'the header', value: 'nothing', expected: `a column ${JSON.stringify(name)}` });
  for (const name of naming)
    if (!names.includes(name))
      issues.push({ path: '--name-pattern', value: `{${name}}`, expected: `a column: ${names.join(', ')}` });
  if (issues.length === 0) return;
  const lines = issues.map(({ path, value, expected }) => `  ${path}: got ${value}, expected ${expected}`);
  throw new UsageError(`${file} does not fit the template:\n${lines.join('\n')}`, { issues });
}

function readerOf(name: string, schema: JsonObject): ReadCell {
  const property = propertiesOf(schema)[name];
  if (property === undefined) return (text) => text;
  const own = typeof property === 'object' && property !== null ? (property as JsonObject) : {};
  const empty = takesEmptyText(own, schema) ? '' : undefined;
  const type = own['type'];
  const types: unknown[] = Array.isArray(type) ? type : [type];
  return (text) => (text === '' ? empty : typed(text, types));
}

function typed(text: string, types: readonly unknown[]): unknown {
  if (types.includes('string')) return text;
  const trimmed = text.trim();
  if ((types.includes('number') || types.includes('integer')) && NUMBER.test(trimmed)) return Number(trimmed);
  if (types.includes('boolean') && BOOLEAN.test(trimmed)) return trimmed.toLowerCase() === 'true';
  if (types.includes('array') || types.includes('object')) return parsed(text);
  return text;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BOOLEAN = /^(true|false)$/i;

/** What is no JSON stays text, which the farm refuses with the row's line. */
function parsed(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' ? value : text;
  } catch {
    return text;
  }
}

function takesEmptyText(property: JsonObject, schema: JsonObject): boolean {
  if (property['default'] !== undefined) return false;
  try {
    const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false });
    return ajv.validate({ ...property, $defs: schema['$defs'] ?? {} }, '');
  } catch {
    return true; // it refers to another part of the schema: the farm, which has all of it, decides
  }
}

function requiredOf(schema: JsonObject): string[] {
  const { required } = schema;
  return Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
}

function propertiesOf(schema: JsonObject): JsonObject {
  const { properties } = schema;
  return typeof properties === 'object' && properties !== null ? (properties as JsonObject) : {};
}
