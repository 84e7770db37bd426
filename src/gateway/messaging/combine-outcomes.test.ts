import { describe, expect, it } from 'vitest';
import { combineOutcomes } from './combine-outcomes.ts';
import type { ToldOutcome } from './job-controller.ts';

const told = (changes: Partial<ToldOutcome>): ToldOutcome => ({
  requestId: 'r',
  ok: true,
  message: 'm',
  changed: true,
  dryRun: undefined,
  figures: undefined,
  jobId: undefined,
  errors: [],
  ...changes,
});

describe('combineOutcomes', () => {
  it('says in one sentence what would happen to all of them', () => {
    const dry = { changed: false, dryRun: true };
    const outcomes = new Map([
      ['a', told({ ...dry, figures: { running: 200 } })],
      ['b', told({ ...dry, figures: { running: 10 } })],
      ['c', told({ ...dry, figures: { running: 4 } })],
    ]);
    expect(
      combineOutcomes({ verb: 'cancel', requestId: 'r', dryRun: true }, ['a', 'b', 'c'], outcomes),
    ).toMatchObject({
      ok: true,
      dryRun: true,
      message: 'Cancels 214 running frames of 3 jobs.',
      figures: { running: 214 },
    });
  });

  it('tells apart what changed, what was so already, who refused, and who has not answered', () => {
    const outcomes = new Map([
      ['a', told({ figures: { notBegun: 3 } })],
      ['b', told({ changed: false })],
      ['c', told({ ok: false, changed: false, message: 'There is no job c.' })],
    ]);
    const reply = combineOutcomes({ verb: 'cancel', requestId: 'r' }, ['a', 'b', 'c', 'd'], outcomes);
    expect(reply.ok).toBe(false);
    expect(reply.message).toBe(
      'Cancelled 3 frames that have not begun. 1 job is as wanted already. 1 job refused it, such as c: There is no job c. ' +
        'Of 1 job the outcome is not known yet; it shows in the job.',
    );
    expect(reply.jobs.map((job) => [job.id, job.ok, job.told, job.changed])).toEqual([
      ['a', true, true, true],
      ['b', true, true, false],
      ['c', false, true, false],
      ['d', true, false, false],
    ]);
  });
});
