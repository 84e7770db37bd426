import { expect, it } from 'vitest';
import { eventIdOf, sinceSchema, streamStart } from './stream-start.ts';

const range = {
  created: '2026-01-01T00:00:00.5Z',
  first: 100,
  firstAt: new Date('2026-01-02T00:00:00Z'),
  last: 200,
};

it.each([
  ['without a place: from now on', undefined, { sequence: 201 }, undefined],
  ['after a sequence', '150', { sequence: 151 }, undefined],
  ['after the newest', '200', { sequence: 201 }, undefined],
  ['just before the oldest', '99', { sequence: 100 }, undefined],
  ['before the oldest: says what is gone', '42', { sequence: 100 }, { from: 43, to: 99 }],
  [
    'after a sequence that was never there: the stream is another one',
    '201',
    { sequence: 1 },
    { from: null, to: null },
  ],
  ['after an id of an older stream', '150.abc', { sequence: 1 }, { from: null, to: null }],
  ['after an id of this stream', eventIdOf(150, range), { sequence: 151 }, undefined],
])('begins %s', (_what, since, from, gap) => {
  const start = streamStart(since, range);
  expect(start.from).toEqual(from);
  if (gap === undefined) expect(start.gap).toBeUndefined();
  else expect(start.gap).toMatchObject(gap);
});

it('begins at a time, and says when older ones are gone', () => {
  const early = new Date('2026-01-01T12:00:00Z');
  expect(streamStart(early.toISOString(), range)).toMatchObject({
    from: { time: early },
    gap: { from: null, to: 99 },
  });
  expect(streamStart('2026-01-03T01:00:00+01:00', range)).toEqual({
    from: { time: new Date('2026-01-03T00:00:00Z') },
  });
  expect(streamStart(early.toISOString(), { ...range, first: 1 }).gap).toBeUndefined();
});

it.each(['', 'x', '-1', '1e3', 'yesterday', '2026-01-01', '1'.repeat(16)])('is not at %j', (text) => {
  expect(sinceSchema.safeParse(text).success).toBe(false);
});
