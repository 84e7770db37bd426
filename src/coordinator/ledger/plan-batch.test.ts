import { describe, expect, it } from 'vitest';
import type { TaskStatus } from '../../shared/contracts/messages.ts';
import { planBatch, type TaskRow } from './plan-batch.ts';

const task: TaskRow = {
  key: '1',
  step_key: '7',
  job_id: 'j',
  step: 'render',
  engine: 'null',
  lane: 'l',
  maxAttempts: 3,
  state: 'queued',
  outcome: null,
  frames: [1, 2],
  generations: [1, 1],
  worker: null,
  instance: null,
  attempt: null,
};
const part = (delivery: number) => ({
  version: 1 as const,
  attempt: `t1-1-${delivery}`,
  feed: 1,
  delivery,
  step: 'render',
  instance: 'i',
});
const result = (number: number, generation = 1) => ({
  number,
  generation,
  seconds: 1,
  peakMemoryBytes: null,
  outputs: [{ name: 'main', key: null, bytes: 0, sha256: null }],
});
const started = (delivery = 1): TaskStatus => ({
  type: 'started',
  ...part(delivery),
  frames: [{ number: 1, generation: 1 }],
});
const completed = (delivery = 1): TaskStatus => ({
  type: 'completed',
  ...part(delivery),
  done: [result(1), result(2)],
  logKey: null,
});
const plan = (statuses: TaskStatus[], row: Partial<TaskRow> = {}, held = false) =>
  planBatch(
    statuses.map((status) => ({ workerId: 'w', jobId: 'j', taskId: 't1', taskKey: '1', status })),
    new Map([['1', { ...task, ...row }]]),
    () => held,
  );

describe('planBatch', () => {
  it('ends a task once, whatever comes twice or late', () => {
    const once = plan([started(), completed(), started(), completed()]);
    expect(once.tasks.get('1')).toMatchObject({ state: 'ended', outcome: 'completed' });
    expect(once.endings).toHaveLength(1);
    expect(once.results).toHaveLength(2);
    expect(plan([completed()], { state: 'ended', outcome: 'lost', attempt: 't1-1-1' }).endings).toEqual([]);
  });

  it('takes results of a task that was given up, so that no work is lost', () => {
    expect(plan([completed()], { state: 'ended', outcome: 'lost', attempt: 't1-1-1' }).results).toHaveLength(
      2,
    );
  });

  it('lets only the owner end a task; a later delivery takes over when the owner is gone', () => {
    const owned = { state: 'running', worker: 'w1', attempt: 't1-1-1' } as const;
    expect(plan([completed(2)], owned, true).endings).toEqual([]);
    expect(plan([completed(2)], owned, false).endings).toHaveLength(1);
    expect(plan([completed(1)], { ...owned, attempt: 't1-1-2' }).endings).toEqual([]);
  });

  it("refuses what a worker says of another worker's attempt", () => {
    const foreign = plan([completed(1)], { state: 'running', worker: 'w1', attempt: 't1-1-1' });
    expect(foreign.rejected.get(0)?.reason).toBe('foreign-attempt');
    expect([foreign.endings, foreign.results, [...foreign.tasks]]).toEqual([[], [], []]);
    expect(plan([started(), completed()]).rejected.size).toBe(0);
  });

  it('tells a worker to leave a task that was taken back before it started', () => {
    const stray = plan([started()], { state: 'ended', outcome: 'released' });
    expect(stray.strays).toEqual([{ worker: 'w', attempt: 't1-1-1', frames: [1, 2] }]);
    expect(plan([started()], { state: 'ended', outcome: 'lost', attempt: 't1-1-1' }).strays).toEqual([]);
  });

  it('blames the frame that failed, or all, or nobody when the store or machine failed', () => {
    const failed = (more: object): TaskStatus => ({
      type: 'failed',
      ...part(1),
      done: [],
      class: 'engine-crash',
      message: 'no',
      failedFrame: null,
      logKey: null,
      ...more,
    });
    expect(plan([failed({ failedFrame: 2 })]).endings[0]?.blame).toBe(2);
    expect(plan([failed({})]).endings[0]?.blame).toBe('all');
    expect(plan([failed({ class: 'host' })]).endings[0]).toMatchObject({ blame: 'none', delaySeconds: 5 });
  });

  it('refuses results that do not belong to the task, and fails the attempt that ends with them', () => {
    const wrong = plan([{ ...completed(), done: [result(3)] } as TaskStatus]);
    expect(wrong.results).toEqual([]);
    expect(wrong.rejected.get(0)).toMatchObject({ reason: 'foreign-result' });
    expect(wrong.endings[0]).toMatchObject({ blame: 'all' });
    expect(plan([{ ...completed(), done: [result(1, 2)] } as TaskStatus]).rejected.size).toBe(1);
  });
});
