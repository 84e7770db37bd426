import type { JobState } from '../states.ts';
import {
  NUMBER_FIELDS,
  QUERY_FIELDS,
  QUERY_VERDICTS,
  STATE_WORDS,
  TIME_FIELDS,
  WORD_FIELDS,
  isQueryField,
  nearest,
  nearestField,
  type NumberField,
  type QueryField,
  type TimeField,
} from './fields.ts';
import {
  MAX_QUERY_LENGTH,
  MAX_QUERY_TERMS,
  MAX_QUERY_VALUES,
  type Comparison,
  type Condition,
  type JobQuery,
  type QueryTerm,
  type WordPattern,
} from './job-query.ts';
import { QueryReader, type WrittenValue } from './query-reader.ts';

interface WrittenField {
  name: QueryField;
  operator: string;
  at: number;
}

/**
 * What is written in the query field: terms with spaces between, `field:value`, `field>number`, or text to look for.
 * @throws JobQueryError and nothing else
 */
export function parseJobQuery(text: string): JobQuery {
  const reader = new QueryReader(text);
  if (text.length > MAX_QUERY_LENGTH)
    throw reader.error(`a query has at most ${MAX_QUERY_LENGTH.toLocaleString('en')} characters`, {
      at: MAX_QUERY_LENGTH,
      length: text.length,
    });
  const strange = /[\u0000-\u0008\u000e-\u001f\u007f]|\p{Surrogate}/u.exec(text);
  if (strange) throw reader.error('a query has no control characters', { at: strange.index, length: 1 });
  const terms: QueryTerm[] = [];
  while (reader.skipSpace()) {
    if (terms.length === MAX_QUERY_TERMS)
      throw reader.error(`a query has at most ${MAX_QUERY_TERMS} terms`, {
        at: reader.at,
        length: text.length,
      });
    const not = reader.takeNot();
    terms.push({ not, condition: readCondition(reader) });
    reader.expectEnd();
  }
  return terms;
}

function readCondition(reader: QueryReader): Condition {
  const field = reader.takeField();
  if (field) return readField(reader, { ...field, name: knownField(reader, field) });
  const word = reader.takeWord();
  if (word === undefined || word.text === '')
    throw reader.error('a text to look for', word ?? { at: reader.at, length: 1 });
  return { kind: 'text', text: word.text };
}

function knownField(reader: QueryReader, field: { name: string; operator: string; at: number }): QueryField {
  const name = field.name.toLowerCase();
  if (isQueryField(name)) return name;
  const meant = nearestField(name);
  throw reader.error(
    meant === undefined
      ? `there is no field “${field.name}”; there are ${QUERY_FIELDS.map((each) => each.name).join(', ')}. To look for the text itself, put it in quotation marks`
      : `there is no field “${field.name}”; did you mean ${meant}?`,
    { at: field.at, length: field.name.length },
  );
}

function readField(reader: QueryReader, field: WrittenField): Condition {
  const { name } = field;
  if (isOneOf(NUMBER_FIELDS, name)) return readNumbers(reader, field, name);
  if (isOneOf(TIME_FIELDS, name)) return readTime(reader, field, name);
  if (field.operator !== ':' && field.operator !== '=')
    throw reader.error(`${name} is no number: write ${exampleOf(name)}`, {
      at: field.at + name.length,
      length: field.operator.length,
    });
  if (name === 'label') return readLabel(reader, field);
  const values = readValues(reader, field);
  if (name === 'state') return { kind: 'state', states: readStates(reader, values) };
  if (name === 'verdict')
    return { kind: 'verdict', verdicts: values.map((value) => oneOf(reader, value, QUERY_VERDICTS)) };
  if (name in WORD_FIELDS) return { kind: 'word', field: name, values: values.map(patternOf) };
  throw new Error(`The field ${name} is not read`);
}

function readLabel(reader: QueryReader, field: WrittenField): Condition {
  const key = reader.takeKey();
  if (key === undefined || key.text === '') throw missingValue(reader, field);
  if (!reader.takeIf('=')) return { kind: 'label', key: key.text, values: [] };
  return { kind: 'label', key: key.text, values: readValues(reader, field).map(patternOf) };
}

function readStates(reader: QueryReader, values: readonly WrittenValue[]): JobState[] {
  const words = Object.keys(STATE_WORDS);
  return [...new Set(values.flatMap((value) => STATE_WORDS[oneOf(reader, value, words)] ?? []))];
}

const NUMBER = /^(\d{1,13}(?:\.\d{1,3})?)(k|m)?%?$/i;
/** What is larger cannot be written exactly to the thousandth. */
const LARGEST = 1e12;

function readNumbers(reader: QueryReader, field: WrittenField, name: NumberField): Condition {
  const values = readValues(reader, field).map((value) => {
    const match = NUMBER.exec(value.text);
    const scale = { k: 1e3, m: 1e6 }[match?.[2]?.toLowerCase() ?? ''] ?? 1;
    const number = match ? Number(match[1]) * scale : Infinity;
    if (number > LARGEST)
      throw reader.error(
        `${name} takes a number, such as ${exampleOf(name)}; k is a thousand, m a million`,
        value,
      );
    return thousandths(number);
  });
  const comparison = field.operator === ':' ? '=' : (field.operator as Comparison);
  if (comparison !== '=' && values.length > 1) throw onlyOne(reader, field);
  return { kind: 'number', field: name, comparison, values };
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;
const DURATION = /^(\d{1,13}(?:\.\d{1,3})?)([smhdw])$/i;

function readTime(reader: QueryReader, field: WrittenField, name: TimeField): Condition {
  const { operator } = field;
  if (operator === ':' || operator === '=')
    throw reader.error(`${name} is compared with < or >, such as ${exampleOf(name)}`, {
      at: field.at + name.length,
      length: 1,
    });
  const [value, ...others] = readValues(reader, field);
  const match = value && DURATION.exec(value.text);
  const unit = SECONDS[(match?.[2] ?? 's').toLowerCase() as keyof typeof SECONDS];
  const seconds = match ? Number(match[1]) * unit : Infinity;
  if (seconds > LARGEST)
    throw reader.error(
      `${name} takes a time such as ${exampleOf(name)}: a number and s, m, h, d or w`,
      value ?? { at: field.at, length: name.length },
    );
  if (others.length > 0) throw onlyOne(reader, field);
  return {
    kind: 'time',
    field: name,
    comparison: operator as Exclude<Comparison, '='>,
    seconds: thousandths(seconds),
  };
}

/** One or more values with commas between. */
function readValues(reader: QueryReader, field: WrittenField): WrittenValue[] {
  const values: WrittenValue[] = [];
  do {
    const value = reader.takeValue();
    if (value === undefined) throw missingValue(reader, field);
    values.push(value);
    if (values.length > MAX_QUERY_VALUES)
      throw reader.error(`a term has at most ${MAX_QUERY_VALUES} values`, value);
  } while (reader.takeIf(','));
  return values;
}

const patternOf = ({ text, quoted }: WrittenValue): WordPattern => ({
  text,
  wild: !quoted && text.includes('*'),
});

function oneOf<T extends string>(reader: QueryReader, value: WrittenValue, words: readonly T[]): T {
  const text = value.text.toLowerCase();
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const meant = nearest(text, words);
  throw reader.error(
    `one of ${words.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    value,
  );
}

const missingValue = (reader: QueryReader, field: WrittenField): Error =>
  reader.error(`a value is missing, such as ${exampleOf(field.name)}`, {
    at: field.at,
    length: reader.at - field.at,
  });

const onlyOne = (reader: QueryReader, field: WrittenField): Error =>
  reader.error(`${field.operator} takes one value; several are joined by commas only after a colon`, {
    at: field.at,
    length: reader.at - field.at,
  });

const exampleOf = (name: QueryField): string =>
  QUERY_FIELDS.find((field) => field.name === name)?.example ?? name;

const isOneOf = <T extends string>(words: readonly T[], word: string): word is T =>
  (words as readonly string[]).includes(word);

const thousandths = (value: number): number => Math.round(value * 1_000) / 1_000;
