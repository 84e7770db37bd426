import { expect, it } from 'vitest';
import type { TaskStatus } from '../../shared/contracts/messages.ts';
import type { StatusEvent } from './decode-status.ts';
import { framesUnderWay } from './frames-under-way.ts';
import { planBatch, type TaskRow } from './plan-batch.ts';

const task: TaskRow = {
  key: '1',
  step_key: '1',
  job_id: 'j',
  step: 'render',
  engine: 'null',
  lane: 'l-1',
  maxAttempts: 3,
  state: 'queued',
  outcome: null,
  frames: [5, 3, 9],
  generations: [1, 1, 1],
  worker: null,
  instance: null,
  attempt: null,
  slots: 1,
  held: false,
};
const running: TaskRow = { ...task, state: 'running', worker: 'w', instance: 'i', attempt: 't1-1-1' };

const base = { version: 1, attempt: 't1-1-1', feed: 1, delivery: 1, step: 'render', instance: 'i' } as const;
const done = (...numbers: number[]) =>
  numbers.map((number) => ({
    number,
    generation: 1,
    seconds: 1,
    peakMemoryBytes: null,
    outputs: [{ name: 'main', key: null, bytes: 0, sha256: null }],
  }));

function underWay(row: TaskRow, ...statuses: TaskStatus[]): number[] {
  const events: StatusEvent[] = statuses.map((status) => ({
    status,
    workerId: 'w',
    jobId: 'j',
    taskId: 't1',
    taskKey: '1',
  }));
  const tasks = new Map([[row.key, row]]);
  return framesUnderWay(
    planBatch(
      events,
      tasks,
      { isHeld: () => true, memoryOf: () => null, largestMemory: () => null },
      { has: () => false },
    ),
    tasks,
  ).map((frame) => frame.number);
}

it('is the first frame of a task that started', () => {
  expect(underWay(task, { type: 'started', ...base, frames: [{ number: 5, generation: 1 }] })).toEqual([5]);
});

it('is the frame after the last result, in the order of the task', () => {
  expect(underWay(running, { type: 'frames', ...base, done: done(5) })).toEqual([3]);
  expect(underWay(running, { type: 'frames', ...base, done: done(3, 5) })).toEqual([9]);
  expect(underWay(running, { type: 'frames', ...base, done: done(9) })).toEqual([]);
});

it('is none of a task that ended, nor of an attempt that owns nothing', () => {
  expect(underWay(running, { type: 'completed', ...base, done: done(5, 3, 9), logKey: null })).toEqual([]);
  expect(
    underWay(running, { type: 'frames', ...base, attempt: 't1-1-2', delivery: 2, done: done(5) }),
  ).toEqual([]);
});
