import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../src/shared/contracts/api.ts';
import { compareWorkers, fitsFilter, parseWorkerFilter } from './worker-filter.ts';

function worker(id: string, change: Partial<Worker> = {}): Worker {
  return {
    id,
    pid: 1,
    host: 'rack-3',
    lanes: [],
    state: 'busy',
    pause: null,
    slots: 4,
    cores: 8,
    platform: 'linux-x64',
    gpus: [],
    timetable: null,
    site: 'Berlin',
    tags: ['gpu', 'Night'],
    roots: [],
    engines: [{ id: 'blender', version: '4.5.0', features: [] }],
    rendering: [],
    load: 2,
    memoryBytes: 100,
    freeMemoryBytes: 60,
    cacheBytes: 0,
    sessions: { warm: 0, cold: 0 },
    problems: [],
    seenAt: '2026-01-01T00:00:00Z',
    ...change,
  };
}

describe('the filter of workers', () => {
  it.each([
    ['', true],
    ['state:busy', true],
    ['state:here engine:blender', true],
    ['state:rendering', true],
    ['state:paused,busy site:berlin', true],
    ['tag:night rack', true],
    ['4.5', true],
    ['state:lost', false],
    ['engine:povray', false],
    ['tag:gpu tag:fast', false],
    ['site:', true],
    ['<b>', false],
    ['colour:red', false],
  ])('%j', (text, fits) => {
    expect(fitsFilter(worker('w1'), parseWorkerFilter(text))).toBe(fits);
  });

  it('does not count those that are gone as here', () => {
    expect(fitsFilter(worker('w1', { state: 'lost' }), parseWorkerFilter('state:here'))).toBe(false);
  });
});

describe('the order of workers', () => {
  const ids = (workers: Worker[], ...sort: Parameters<typeof compareWorkers>): string[] =>
    workers.sort(compareWorkers(...sort)).map(({ id }) => id);

  it('counts numbers in names', () => {
    expect(ids([worker('w10'), worker('w9'), worker('w1')], 'name', false)).toEqual(['w1', 'w9', 'w10']);
  });

  it('puts the busiest first, and what is gone last', () => {
    const some = [
      worker('a', { state: 'lost', load: 9 }),
      worker('b', { load: 1 }),
      worker('c', { load: 8 }),
    ];
    expect(ids(some, 'cpu', false)).toEqual(['c', 'b', 'a']);
    expect(ids(some, 'cpu', true)).toEqual(['a', 'b', 'c']);
  });
});
