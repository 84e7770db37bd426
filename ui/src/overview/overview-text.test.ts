import { expect, it } from 'vitest';
import { parseJobQuery } from '../../../src/shared/domain/job-query/parse-job-query.ts';
import { formatRate, queryWord, sparkline, utilisation } from './overview-text.ts';

it.each([
  [0, '0'],
  [0.004, '< 0.01'],
  [0.42, '0.42'],
  [7.26, '7.3'],
  [1_240.4, '1,240'],
])('says %d frames a second as %s', (perSecond, text) => {
  expect(formatRate(perSecond)).toBe(text);
});

it('knows no utilisation without workers', () => {
  expect(utilisation({ total: 0, used: 0 })).toBeNull();
  expect(utilisation({ total: 8, used: 5 })).toBe(63);
});

it.each(['blender', 'two words', 'a"b\\c', 'x:y', '-minus'])('makes a word of the query of %j', (value) => {
  expect(() => parseJobQuery(queryWord('project', value))).not.toThrow();
});

it('draws the newest at the right edge and the highest at the top', () => {
  expect(sparkline([0, 2, 1], 5, { width: 40, height: 10 })).toEqual([
    { x: 20, y: 10 },
    { x: 30, y: 0 },
    { x: 40, y: 5 },
  ]);
  expect(sparkline([0, 0], 2, { width: 4, height: 10 })).toEqual([
    { x: 0, y: 10 },
    { x: 4, y: 10 },
  ]);
  expect(sparkline([], 5, { width: 4, height: 10 })).toEqual([]);
});
