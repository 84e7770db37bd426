import { describe, expect, it } from 'vitest';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import type { JobState } from '../../../src/shared/contracts/realtime.ts';
import { verbsFor } from './control-text.ts';

function job(state: JobState, frames: Partial<JobSummary['frames']>): JobSummary {
  const none = {
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
  return {
    id: 'j1',
    name: 'Titles',
    owner: 'ada',
    project: 'film',
    labels: {},
    priority: 50,
    state,
    frames: { total: 300, ...none, ...frames },
    steps: [],
    error: null,
    submittedAt: '2026-01-01T00:00:00Z',
    startedAt: null,
    finishedAt: null,
    deliveredAt: null,
  };
}

const verbs = (of: JobSummary): string[] => verbsFor(of).map((choice) => choice.verb);

describe('verbsFor', () => {
  it('offers what fits the state', () => {
    expect(verbs(job('running', { running: 300 }))).toEqual(['pause', 'cancel']);
    expect(verbs(job('paused', { ready: 300 }))).toEqual(['resume', 'cancel']);
    expect(verbs(job('held', { failed: 5, held: 295 }))).toEqual(['resume', 'retry', 'cancel']);
    expect(verbs(job('failed', { done: 290, failed: 10 }))).toEqual(['retry']);
    expect(verbs(job('cancelled', { done: 99, failed: 1, cancelled: 200 }))).toEqual(['resume']);
    expect(verbs(job('completed', { done: 300 }))).toEqual([]);
  });

  it('offers to resume only what resuming lets go', () => {
    const waiting = { frames: 5, first: [] };
    expect(verbs({ ...job('held', { done: 295, held: 5 }), decisions: waiting })).toEqual(['cancel']);
    expect(verbs({ ...job('held', { done: 290, held: 10 }), decisions: waiting })).toContain('resume');
  });

  it('does not resume over the question whether scripts are trusted', () => {
    const error = "Held: trust this project's scripts? Scripts in the file were not run.";
    expect(verbs({ ...job('held', { held: 300 }), error })).toEqual(['cancel']);
  });

  it('offers nothing for a job in the bin but to take it out', () => {
    const bin = { since: '2026-01-01T00:00:00Z', by: 'ada', until: null };
    expect(verbs({ ...job('failed', { failed: 10 }), bin })).toEqual([]);
  });

  it('says in numbers what a cancel will do', () => {
    const cancel = verbsFor(job('running', { done: 86, running: 3, ready: 211 })).at(-1);
    expect(cancel?.confirm?.text).toBe(
      '214 frames will not be rendered, 3 of them being rendered now. 86 finished frames can still be downloaded.',
    );
    expect(cancel?.confirm?.yes).toBe('Cancel 214 frames');
  });

  it('says in numbers what a retry will do', () => {
    const retry = verbsFor(job('failed', { done: 299, failed: 1 }))[0];
    expect(retry?.confirm?.title).toBe('Retry 1 failed frame?');
  });
});
