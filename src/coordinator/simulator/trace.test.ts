import { describe, expect, it } from 'vitest';
import { FarmError } from '../../shared/domain/errors.ts';
import { parseTrace } from './trace.ts';

const group = { name: 'cpu', slots: 4, engines: { blender: '4.2.3' } };
const jobs = { name: 'shot', frames: 10, frameSeconds: { kind: 'fixed', seconds: 1 }, engine: 'blender' };
const trace = { version: 1, groups: [group], jobs: [jobs] };

function issuesOf(value: unknown): string[] {
  try {
    parseTrace(value);
  } catch (error) {
    if (error instanceof FarmError) return error.issues.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('a trace', () => {
  it('needs little; the rest has usual values', () => {
    const { workers, jobs: read, rules } = parseTrace(trace);
    expect(workers).toBe(10);
    expect(read[0]).toMatchObject({ count: 1, priority: 50, chunk: 'auto', scene: null, limit: null });
    expect(rules).toEqual({ limits: [], shares: [], guarantees: [] });
  });

  it('takes memory as people write it', () => {
    const read = parseTrace({ ...trace, groups: [{ ...group, memoryPerSlot: '16 GiB' }] });
    expect(read.groups[0]?.memoryPerSlot).toBe(16 * 2 ** 30);
  });

  it.each<[string, unknown, string[]]>([
    ['another version', { ...trace, version: 2 }, ['version']],
    ['an unknown field', { ...trace, job: [] }, ['job']],
    ['a misspelt field of a job', { ...trace, jobs: [{ ...jobs, prio: 3 }] }, ['jobs[0].prio']],
    ['no frames', { ...trace, jobs: [{ ...jobs, frames: 0 }] }, ['jobs[0].frames']],
    ['a priority above 100', { ...trace, jobs: [{ ...jobs, priority: 1_000 }] }, ['jobs[0].priority']],
    [
      'frames that take no time',
      { ...trace, jobs: [{ ...jobs, frameSeconds: { kind: 'fixed', seconds: 0 } }] },
      ['jobs[0].frameSeconds.seconds'],
    ],
    [
      'a limit below 0',
      { ...trace, rules: { limits: [{ kind: 'owner', name: 'a', running: -1 }] } },
      ['rules.limits[0].running'],
    ],
    [
      'memory that is no size',
      { ...trace, groups: [{ ...group, memoryPerSlot: 'lots' }] },
      ['groups[0].memoryPerSlot'],
    ],
    [
      'workers of a group that is not there',
      { ...trace, joins: [{ at: 1, group: 'gpu', workers: 1 }] },
      ['joins[0].group'],
    ],
    ['two groups of one name', { ...trace, groups: [group, group] }, ['groups[1].name']],
    ['two jobs of one name', { ...trace, jobs: [jobs, jobs] }, ['jobs[1].name']],
  ])('is refused for %s, and the place is named', (_, value, paths) => {
    expect(issuesOf(value)).toEqual(paths);
  });
});
