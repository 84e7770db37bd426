import { describe, expect, it } from 'vitest';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { NEWEST_FIRST, type JobSort } from '../../../src/shared/domain/job-query/job-sort.ts';
import { parseJobQuery } from '../../../src/shared/domain/job-query/parse-job-query.ts';
import { JobList, enginesOf, type JobListView } from './job-list.ts';

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

const view = (text: string, sort: JobSort = NEWEST_FIRST): JobListView => ({
  query: parseJobQuery(text),
  sort,
});
const all = view('');
const now = Date.parse('2026-02-01T00:00:00.000Z');
const ids = (rows: JobSummary[]): string[] => rows.map((row) => row.id);

describe('JobList', () => {
  it('shows the newest first and keeps a job’s place when it changes', () => {
    const list = new JobList();
    list.update([job('1'), job('3'), job('2')]);
    expect(ids(list.arrange(all, false, now).rows)).toEqual(['3', '2', '1']);
    list.update([job('1', { state: 'failed' })]);
    const { rows } = list.arrange(all, false, now);
    expect(ids(rows)).toEqual(['3', '2', '1']);
    expect(rows[2]?.state).toBe('failed');
  });

  it('moves no row while somebody points at one, and says how much waits', () => {
    const list = new JobList();
    list.update([job('1'), job('2')]);
    const running = view('state:running');
    list.arrange(running, false, now);
    list.queryAnswered();
    list.update([job('3'), job('2', { state: 'completed' })]);
    const frozen = list.arrange(running, true, now);
    expect(ids(frozen.rows)).toEqual(['2', '1']);
    expect(frozen.rows[0]?.state).toBe('completed');
    expect(frozen.waiting).toBe(2);
    expect(ids(list.arrange(running, false, now).rows)).toEqual(['3', '1']);
  });

  it('arranges a new query at once although somebody points at a row, until the farm has answered', () => {
    const list = new JobList();
    list.update([job('1'), job('2', { owner: 'grace' })]);
    list.arrange(all, false, now);
    list.queryAnswered();
    const hers = view('owner:grace');
    list.beginQuery();
    expect(list.arrange(hers, true, now)).toMatchObject({ rows: [{ id: '2' }], waiting: 0 });
    list.addPage([job('4', { owner: 'grace' })]);
    expect(ids(list.arrange(hers, true, now).rows)).toEqual(['4', '2']);
    list.queryAnswered();
    list.update([job('5', { owner: 'grace' })]);
    expect(list.arrange(hers, true, now)).toMatchObject({ rows: [{ id: '4' }, { id: '2' }], waiting: 1 });
  });

  it('shows what follows at the end although somebody points at a row', () => {
    const list = new JobList();
    list.update([job('3'), job('4')]);
    list.arrange(all, false, now);
    list.queryAnswered();
    list.append([job('2'), job('1')]);
    expect(list.arrange(all, true, now)).toMatchObject({
      rows: [{ id: '4' }, { id: '3' }, { id: '2' }, { id: '1' }],
      waiting: 0,
    });
  });

  it('finds text in name, id, owner, project and engine, whatever the case', () => {
    const list = new JobList();
    list.update([job('1', { name: 'Opening TITLES' }), job('2', { owner: 'Grace' })]);
    expect(ids(list.arrange(view('titles'), false, now).rows)).toEqual(['1']);
    expect(ids(list.arrange(view('grace'), false, now).rows)).toEqual(['2']);
    expect(ids(list.arrange(view('LOTTIE'), false, now).rows)).toEqual(['2', '1']);
    expect(list.arrange(view('nowhere'), false, now).rows).toEqual([]);
  });

  it('does not let a page that was asked for overwrite newer news', () => {
    const list = new JobList();
    list.update([job('1', { state: 'completed' })]);
    list.addPage([job('1'), job('2')]);
    expect(list.arrange(all, false, now).rows.map((row) => row.state)).toEqual(['running', 'completed']);
  });

  it('names each engine once', () => {
    const step = { name: 'a', engine: 'lottie', state: 'queued', frames: counts } as const;
    expect(enginesOf(job('1', { steps: [step, { ...step, engine: 'ffmpeg' }, step] }))).toEqual([
      'lottie',
      'ffmpeg',
    ]);
  });
});
