import { describe, expect, it } from 'vitest';
import type { ControlManyBody, ControlManyReply } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { inverseOf } from './bulk-text.ts';
import { controlInSlices } from './control-slices.ts';

const summaries = (jobs: Record<string, Partial<JobSummary>>): ReadonlyMap<string, JobSummary> =>
  new Map(Object.entries(jobs).map(([id, job]) => [id, { id, ...job } as JobSummary]));

describe('the way back of a verb for many jobs', () => {
  it('leads each job that went on to what it was: cancelled or paused', () => {
    const before = summaries({ a: { state: 'paused' }, b: { state: 'cancelled' }, c: { state: 'held' } });
    expect(inverseOf('resume', ['a', 'b', 'c'], before)).toEqual([
      { verb: 'pause', ids: ['a', 'c'] },
      { verb: 'cancel', ids: ['b'] },
    ]);
  });

  it('leaves alone what the page never saw', () => {
    expect(inverseOf('resume', ['x'], summaries({}))).toEqual([]);
    expect(inverseOf('priority', ['x', 'a'], summaries({ a: { priority: 7 } }))).toEqual([
      { verb: 'priority', priority: 7, ids: ['a'] },
    ]);
  });
});

describe('a verb for more jobs than the farm takes at once', () => {
  const ids = Array.from({ length: 1_300 }, (_, n) => `job-${n}`);
  const yes = ({ ids: asked = [] }: ControlManyBody): ControlManyReply => ({
    requestId: 'r',
    ok: true,
    message: 'One slice.',
    figures: { running: asked.length },
    jobs: asked.map((id) => ({ id, ok: true, told: true, changed: true, message: '' })),
  });

  it('goes on until all were asked, and answers for all', async () => {
    const asked: string[] = [];
    const progress: number[] = [];
    const reply = await controlInSlices(
      async (body) => {
        asked.push(...body.ids);
        expect(body.ids.length).toBeLessThanOrEqual(1_000);
        return await Promise.resolve(yes(body));
      },
      { verb: 'cancel', ids },
      (count) => progress.push(count),
    );
    expect(asked).toEqual(ids);
    expect(progress.at(-1)).toBe(1_300);
    expect(reply.message).toBe('Cancelled 1,300 running frames of 1,300 jobs.');
    expect(reply.jobs).toHaveLength(1_300);
  });

  it('names what was not asked any more', async () => {
    let slices = 0;
    const reply = await controlInSlices(
      async (body) => {
        if (++slices === 2) throw new Error('The farm is away.');
        return await Promise.resolve(yes(body));
      },
      { verb: 'pause', ids },
    );
    expect(reply.ok).toBe(false);
    expect(reply.jobs).toHaveLength(1_300);
    const refused = reply.jobs.filter((job) => !job.ok);
    expect(refused[0]?.message).toContain('The farm is away.');
    expect(reply.message).toContain(`${refused.length.toLocaleString('en-US')} refused it.`);
  });

  it('fails when nothing was asked', async () => {
    const never = (): Promise<never> => Promise.reject(new Error('The farm is away.'));
    await expect(controlInSlices(never, { verb: 'pause', ids })).rejects.toThrow('away');
  });
});
