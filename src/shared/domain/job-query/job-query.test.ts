import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATES } from '../states.ts';
import { NUMBER_FIELDS, QUERY_VERDICTS, TIME_FIELDS, WORD_FIELDS, type WordField } from './fields.ts';
import { JobQueryError, type Condition, type JobQuery } from './job-query.ts';
import { matchJob, type MatchedJob } from './match-job.ts';
import { parseJobQuery } from './parse-job-query.ts';
import { printJobQuery } from './print-job-query.ts';

function problemOf(text: string): JobQueryError {
  try {
    parseJobQuery(text);
  } catch (error) {
    if (error instanceof JobQueryError) return error;
    throw error;
  }
  throw new Error(`${text} was understood`);
}

describe('what is understood', () => {
  it.each([
    ['owner:ana engine:blender state:failed frames>100', undefined],
    ['priority>=50 project:foo shot:010 version:v3 worker:rn1', undefined],
    ['submitted>2d -owner:bob "two words" free text', undefined],
    ['state:failed,held', undefined],
    ['OWNER=ana', 'owner:ana'],
    ['frames>1.5k done:2,3k', 'frames>1500 done:2,3000'],
    ['submitted<120m elapsed>=90s', 'submitted<2h elapsed>=90s'],
    ['label:client=acme,"b,c" label:client', undefined],
    ['state:OPEN', 'state:open'],
    ['owner:"ana"', 'owner:ana'],
    ['owner:an* owner:"an*"', undefined],
    ['"state:failed" "-x" - a,b "say \\"hi\\" \\\\"', undefined],
    ['10:30 (x)', undefined],
    ['progress>50%', 'progress>50'],
    ['  ', ''],
  ])('%s', (text, printed) => {
    expect(printJobQuery(parseJobQuery(text))).toBe(printed ?? text);
  });
});

describe('what is not understood is told by word, place and what is possible', () => {
  it.each([
    ['owner:ana stat:failed', 10, 4, 'there is no field “stat”; did you mean state?'],
    ['status:failed', 0, 6, 'did you mean state?'],
    ['quux:1', 0, 4, 'To look for the text itself, put it in quotation marks'],
    [
      'state:fialed',
      6,
      6,
      'one of queued, running, paused, completed, failed, cancelled, held, open, ended; did you mean failed?',
    ],
    ['state:failed,', 0, 13, 'a value is missing, such as state:failed,held'],
    ['owner:', 0, 6, 'a value is missing, such as owner:ana'],
    ['owner>3', 5, 1, 'owner is no number: write owner:ana'],
    ['frames>many', 7, 4, 'frames takes a number, such as frames>100'],
    ['frames>1,2', 0, 10, '> takes one value'],
    ['submitted:2d', 9, 1, 'submitted is compared with < or >, such as submitted<2h'],
    ['submitted>2', 10, 1, 'a number and s, m, h, d or w'],
    ['a "b', 2, 2, 'the quotation mark that ends this text is missing'],
    ['a"b"', 1, 1, 'a space goes before a quotation mark'],
    ['"b"c', 3, 1, 'a space goes between terms'],
    ['label:=x', 0, 6, 'a value is missing, such as label:client=acme'],
    ['a\u0000b', 1, 1, 'no control characters'],
    ['x '.repeat(31), 60, 2, 'at most 30 terms'],
    ['x'.repeat(2_001), 2_000, 1, 'at most 2,000 characters'],
  ])('%s', (text, at, length, problem) => {
    const error = problemOf(text);
    expect(error).toMatchObject({ at, length, code: 'invalid' });
    expect(error.problem).toContain(problem);
    expect(error.message).toContain(`at character ${at + 1}`);
  });
});

const patterns = fc.array(
  fc
    .record({ text: fc.string({ unit: 'grapheme', maxLength: 8 }), wild: fc.boolean() })
    .map(({ text, wild }) => (wild ? { text: `${text.replace(/[\s,"]/g, '')}*`, wild } : { text, wild })),
  { minLength: 1, maxLength: 3 },
);
const figure = fc.integer({ min: 0, max: 1e12 }).map((thousandths) => thousandths / 1_000);
const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    kind: fc.constant('text' as const),
    text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  }),
  fc.record({
    kind: fc.constant('word' as const),
    field: fc.constantFrom(...(Object.keys(WORD_FIELDS) as WordField[])),
    values: patterns,
  }),
  fc.record({
    kind: fc.constant('label' as const),
    key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }),
    values: fc.oneof(fc.constant([]), patterns),
  }),
  fc.record({
    kind: fc.constant('state' as const),
    states: fc.uniqueArray(fc.constantFrom(...JOB_STATES), { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('verdict' as const),
    verdicts: fc.array(fc.constantFrom(...QUERY_VERDICTS), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('number' as const),
    field: fc.constantFrom(...NUMBER_FIELDS),
    comparison: fc.constant('=' as const),
    values: fc.array(figure, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('number' as const),
    field: fc.constantFrom(...NUMBER_FIELDS),
    comparison: fc.constantFrom('>', '>=', '<', '<='),
    values: figure.map((value) => [value]),
  }),
  fc.record({
    kind: fc.constant('time' as const),
    field: fc.constantFrom(...TIME_FIELDS),
    comparison: fc.constantFrom('>', '>=', '<', '<='),
    seconds: figure,
  }),
);
const queries: fc.Arbitrary<JobQuery> = fc.array(fc.record({ not: fc.boolean(), condition: conditions }), {
  maxLength: 6,
});
const isWritable = (query: JobQuery): boolean =>
  !/[\u0000-\u0008\u000e-\u001f\u007f]/.test(
    JSON.stringify(query).replace(/\\u00(0[0-8be-f]|1.|7f)/g, '\u0000'),
  );

describe('any query', () => {
  it('is the same when it is printed and read again', () => {
    fc.assert(
      fc.property(queries.filter(isWritable), (query) => {
        expect(parseJobQuery(printJobQuery(query))).toEqual(query);
      }),
    );
  });

  it('is understood or refused with a place inside it, whatever the text', () => {
    const pieces = fc.constantFrom(
      'owner',
      ':',
      '>',
      '<=',
      ',',
      '"',
      '\\',
      '-',
      ' ',
      'state',
      'label',
      '=',
      '2d',
      '*',
      '𝒳',
      '\ud800',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const query = parseJobQuery(text);
          expect(parseJobQuery(printJobQuery(query))).toEqual(query);
        } catch (error) {
          expect(error).toBeInstanceOf(JobQueryError);
          const { at, length } = error as JobQueryError;
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at).toBeLessThanOrEqual(text.length);
          expect(length).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe('a job', () => {
  const zero = {
    waiting: 0,
    ready: 0,
    queued: 0,
    running: 0,
    done: 0,
    failed: 0,
    held: 0,
    skipped: 0,
    cancelled: 0,
  };
  const job: MatchedJob = {
    id: 'j1',
    name: 'Opening TITLES 100%',
    owner: 'Ana',
    project: 'film',
    labels: { shot: '010', version: 'v3', client: 'Acme' },
    priority: 50,
    state: 'failed',
    error: 'Out of memory',
    frames: { ...zero, total: 200, done: 101, failed: 3, cancelled: 96 },
    steps: [{ engine: 'blender' }, { engine: 'ffmpeg' }],
    submittedAt: '2026-01-01T00:00:00.000Z',
    startedAt: '2026-01-01T00:10:00.000Z',
    finishedAt: '2026-01-01T01:10:00.000Z',
  };
  const nowMs = Date.parse('2026-01-02T00:00:00.000Z');

  it.each([
    ['', true],
    ['titles', true],
    ['acme ffmpeg', true],
    ['nowhere', false],
    ['owner:ana engine:blender state:failed frames>100 shot:010 version:v3', true],
    ['-owner:ana', false],
    ['owner:an', false],
    ['owner:an*', true],
    ['owner:"an*"', false],
    ['name:titles,credits name:open*100', true],
    ['state:ended -state:completed', true],
    ['progress:50', true],
    ['failed:1,3', true],
    ['failed>3', false],
    ['submitted>=1d submitted<25h elapsed:1', undefined],
    ['submitted>=1d submitted<25h elapsed>=1h elapsed<61m', true],
    ['finished<1h', false],
    ['label:client label:client=acm* -label:other', true],
    ['error:memory', true],
    ['undecided:0', true],
  ])('%s → %s', (text, expected) => {
    if (expected === undefined) expect(() => parseJobQuery(text)).toThrow(JobQueryError);
    else expect(matchJob(parseJobQuery(text), job, nowMs)).toBe(expected);
  });

  it('is left to the farm where its summary does not say', () => {
    expect(matchJob(parseJobQuery('worker:rn1'), job, nowMs)).toBeUndefined();
    expect(matchJob(parseJobQuery('-verdict:fail state:failed'), job, nowMs)).toBeUndefined();
    expect(matchJob(parseJobQuery('worker:rn1 state:running'), job, nowMs)).toBe(false);
  });

  it.each([
    ['owner:a*a', 'a', false],
    ['owner:a*a', 'aba', true],
    ['owner:*b*', 'abc', true],
    ['owner:ab*', 'aab', false],
  ])('a star in %s does not take a letter twice (%s)', (query, owner, wanted) => {
    expect(matchJob(parseJobQuery(query), { ...job, owner }, Date.now())).toBe(wanted);
  });

  it('with stars takes no longer than the name is long, whoever wrote either', () => {
    const query = parseJobQuery(`name:${'a*'.repeat(40)}b`);
    const start = performance.now();
    expect(matchJob(query, { ...job, name: 'a'.repeat(200) }, Date.now())).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});
