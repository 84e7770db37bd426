import { describe, expect, it } from 'vitest';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { JobList, enginesOf } from './job-list.ts';

const counts = {
  total: 4,
  waiting: 0,
  ready: 4,
  queued: 0,
  running: 0,
  done: 0,
  failed: 0,
  held: 0,
  skipped: 0,
  cancelled: 0,
};

function job(id: string, change: Partial<JobSummary> = {}): JobSummary {
  return {
    id,
    name: `Shot ${id}`,
    owner: 'ada',
    project: 'film',
    labels: {},
    priority: 50,
    state: 'running',
    frames: counts,
    steps: [{ name: 'render', engine: 'lottie', state: 'running', frames: counts }],
    error: null,
    submittedAt: `2026-01-0${id}T00:00:00.000Z`,
    startedAt: null,
    finishedAt: null,
    deliveredAt: null,
    ...change,
  };
}

const all = { text: '', state: '' } as const;
const ids = (rows: JobSummary[]): string[] => rows.map((row) => row.id);

describe('JobList', () => {
  it('shows the newest first and keeps a job’s place when it changes', () => {
    const list = new JobList();
    list.update([job('1'), job('3'), job('2')]);
    expect(ids(list.arrange(all, false).rows)).toEqual(['3', '2', '1']);
    list.update([job('1', { state: 'failed' })]);
    const { rows } = list.arrange(all, false);
    expect(ids(rows)).toEqual(['3', '2', '1']);
    expect(rows[2]?.state).toBe('failed');
  });

  it('moves no row while somebody points at one, and says how much waits', () => {
    const list = new JobList();
    list.update([job('1'), job('2')]);
    const running = { text: '', state: 'running' } as const;
    list.arrange(running, false);
    list.update([job('3'), job('2', { state: 'completed' })]);
    const frozen = list.arrange(running, true);
    expect(ids(frozen.rows)).toEqual(['2', '1']);
    expect(frozen.rows[0]?.state).toBe('completed');
    expect(frozen.waiting).toBe(2);
    expect(ids(list.arrange(running, false).rows)).toEqual(['3', '1']);
  });

  it('finds text in name, id, owner, project and engine, whatever the case', () => {
    const list = new JobList();
    list.update([job('1', { name: 'Opening TITLES' }), job('2', { owner: 'Grace' })]);
    expect(ids(list.arrange({ text: 'titles', state: '' }, false).rows)).toEqual(['1']);
    expect(ids(list.arrange({ text: 'grace', state: '' }, false).rows)).toEqual(['2']);
    expect(ids(list.arrange({ text: 'LOTTIE', state: '' }, false).rows)).toEqual(['2', '1']);
    expect(list.arrange({ text: 'nowhere', state: '' }, false).rows).toEqual([]);
  });

  it('does not let a page that was asked for overwrite newer news', () => {
    const list = new JobList();
    list.update([job('1', { state: 'completed' })]);
    list.addPage([job('1'), job('2')]);
    expect(list.arrange(all, false).rows.map((row) => row.state)).toEqual(['running', 'completed']);
  });

  it('names each engine once', () => {
    const step = { name: 'a', engine: 'lottie', state: 'queued', frames: counts } as const;
    expect(enginesOf(job('1', { steps: [step, { ...step, engine: 'ffmpeg' }, step] }))).toEqual([
      'lottie',
      'ffmpeg',
    ]);
  });
});
