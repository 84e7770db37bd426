import { describe, expect, it } from 'vitest';
import { noFrames } from '../../../src/shared/domain/states.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { jobTimeline } from './job-timeline.ts';

const job: JobSummary = {
  id: 'j1',
  name: 'Titles',
  owner: 'ada',
  project: 'film',
  labels: {},
  priority: 50,
  state: 'failed',
  frames: { ...noFrames(), total: 3, done: 2, failed: 1 },
  steps: [],
  error: null,
  submittedAt: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:02.000Z',
  finishedAt: '2026-01-01T00:01:00.000Z',
  deliveredAt: null,
};

describe('jobTimeline', () => {
  it('puts what people did between beginning and end, newest first', () => {
    const paused = {
      kind: 'pause',
      actor: 'grace',
      message: 'Paused',
      ok: true,
      at: '2026-01-01T00:00:30.000Z',
    };
    expect(jobTimeline(job, [paused]).map((event) => event.message)).toEqual([
      'Failed with 2 of 3 frames done',
      'Paused',
      'First frame started',
      'Submitted',
    ]);
  });

  it('tells nothing that has not happened', () => {
    const waiting = { ...job, startedAt: null, finishedAt: null };
    expect(jobTimeline(waiting, []).map((event) => event.kind)).toEqual(['submitted']);
  });
});
