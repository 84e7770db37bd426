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
  slots: 2,
  held: false,
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
const plan = (statuses: TaskStatus[], row: Partial<TaskRow> = {}, held = false, known: number[] = []) =>
  planBatch(
    statuses.map((status) => ({ workerId: 'w', jobId: 'j', taskId: 't1', taskKey: '1', status })),
    new Map([['1', { ...task, ...row }]]),
    { isHeld: () => held, memoryOf: (_worker, slots) => slots * 100, largestMemory: () => 1_000 },
    { has: (_task, { number }) => known.includes(number) },
  );

describe('planBatch', () => {
  it('ends a task once, whatever comes twice or late', () => {
    const once = plan([started(), completed(), started(), completed()]);
    expect(once.tasks.get('1')).toMatchObject({ state: 'ended', outcome: 'completed' });
    expect(once.endings).toHaveLength(1);
    expect(once.results).toHaveLength(2);
    expect(plan([completed()], { state: 'ended', outcome: 'lost', attempt: 't1-1-1' }).endings).toEqual([]);
  });

  it('ends a task by its last word, and looks only at those of its results that are not in the ledger yet', () => {
    const { endings, results } = plan([completed()], {}, false, [1]);
    expect(endings).toHaveLength(1);
    expect(results.map(({ result: { number } }) => number)).toEqual([2]);
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

  describe('failures', () => {
    const ending = (more: object) =>
      plan([
        {
          type: 'failed',
          ...part(1),
          done: [],
          class: 'engine-crash',
          message: 'no',
          failedFrame: null,
          logKey: null,
          ...more,
        },
      ]).endings[0];

    it('blame the frame that is named', () => {
      expect(ending({ failedFrame: 2 })).toMatchObject({ blame: 2, charge: 'failure' });
    });

    it('blame the frame being rendered where none is named, or one that is not in the task', () => {
      expect(ending({})?.blame).toEqual({ underWay: null });
      expect(ending({ class: 'timeout', failedFrame: 99 })?.blame).toEqual({ underWay: null });
    });

    it('blame every open frame for a scene that cannot be loaded', () => {
      expect(ending({ class: 'scene' })?.blame).toBe('all');
      expect(ending({ class: 'missing-asset', failedFrame: 1 })?.blame).toBe(1);
    });

    it('blame nobody for the machine, the store or the licence server', () => {
      for (const name of ['host', 'storage', 'licence'])
        expect(ending({ class: name, failedFrame: 1 })?.blame).toBe('none');
      expect(ending({ class: 'host' })?.delaySeconds).toBe(5);
      expect(ending({ class: 'licence' })?.delaySeconds).toBe(15);
    });

    it('say how much memory there was, and is elsewhere', () => {
      expect(ending({ class: 'out-of-memory', failedFrame: 1 })).toMatchObject({
        blame: 1,
        charge: 'memory',
        memory: { hadBytes: 200, largestBytes: 1_000 },
      });
    });
  });

  it('refuses results that do not belong to the task, and fails the attempt that ends with them', () => {
    const wrong = plan([{ ...completed(), done: [result(3)] } as TaskStatus]);
    expect(wrong.results).toEqual([]);
    expect(wrong.rejected.get(0)).toMatchObject({ reason: 'foreign-result' });
    expect(wrong.endings[0]).toMatchObject({ blame: 'all' });
    expect(plan([{ ...completed(), done: [result(1, 2)] } as TaskStatus]).rejected.size).toBe(1);
  });
});
