import { describe, expect, it } from 'vitest';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { noFrames } from '../../../src/shared/domain/states.ts';
import { cellText } from './cell-text.ts';

const frames = { ...noFrames(), total: 12_000, failed: 3 };
const job: JobSummary = {
  ...{ id: 'j', name: 'Shot', owner: 'ada', project: 'film', labels: { shot: '010' }, priority: 50 },
  ...{ state: 'running', frames, error: null, deliveredAt: null, finishedAt: null },
  steps: [
    { name: 'render', engine: 'blender', state: 'running', frames },
    { name: 'comp', engine: 'nuke', state: 'running', frames },
    { name: 'grain', engine: 'nuke', state: 'running', frames },
  ],
  submittedAt: '2026-01-01T10:00:00.000Z',
  startedAt: '2026-01-01T10:01:00.000Z',
};
const nowMs = Date.parse('2026-01-01T10:03:05.000Z');
const textOf = (column: Parameters<typeof cellText>[1], change: Partial<JobSummary> = {}): string =>
  cellText({ ...job, ...change }, column, undefined, nowMs).text;

describe('what stands in the cells of a job', () => {
  it('counts in thousands, and failures alarm', () => {
    expect(textOf('frames')).toBe('12,000');
    expect(cellText(job, 'failed', undefined, nowMs)).toMatchObject({ text: '3', tone: 'alarm' });
    expect(cellText(job, 'running', undefined, nowMs)).toMatchObject({ text: '0', tone: 'quiet' });
  });

  it('tells times by the clock it is given', () => {
    expect(textOf('elapsed')).toBe('2 m 05 s');
    expect(textOf('elapsed', { startedAt: null })).toBe('–');
    expect(textOf('submitted')).toBe('3 m ago');
  });

  it('says nothing of what a paused job has left', () => {
    expect(textOf('eta')).toBe('–');
    expect(textOf('eta', { state: 'paused' })).toBe('');
  });

  it('names each engine once, and labels only where the job has them itself', () => {
    expect(textOf('engine')).toBe('blender, nuke');
    expect(textOf('shot')).toBe('010');
    expect(textOf('version')).toBe('');
  });
});
