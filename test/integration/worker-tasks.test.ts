import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { PlayCoordinator } from '../support/play-coordinator.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

let context: TestContext;
let farm: PlayCoordinator;
let worker: WorkerProcess;

beforeAll(async () => {
  context = await createTestContext();
  farm = await PlayCoordinator.start(context, 'w1');
  worker = new WorkerProcess(context, { FARMHAND_WORKER_ID: 'w1', FARMHAND_WORKER_SLOTS: '2' });
  await farm.untilReady();
});

afterAll(async () => {
  await worker.end();
  await context.dispose();
});

describe('a worker with tasks', () => {
  it('says what it is and has', () => {
    const [first] = farm.heartbeats;
    expect(first).toMatchObject({ workerId: 'w1', pid: worker.pid, slots: 2, state: 'idle', problems: [] });
    expect(first?.engines).toContainEqual({ id: 'null', version: '1', features: [] });
  });

  it('renders a task and takes it out of the queue', async () => {
    const task = await farm.feed({ frames: [3, 1, 2] });
    const end = await farm.end(task);
    expect(end).toMatchObject({ type: 'completed', feed: 1, delivery: 1, step: 'render', logKey: null });
    const done = 'done' in end ? end.done : [];
    expect(done.map(({ number }) => number)).toEqual([3, 1, 2]);
    expect(done[0]).toMatchObject({
      generation: 1,
      outputs: [{ name: 'main', key: null, bytes: 0, sha256: null }],
    });
    expect(farm.of(task)[0]).toMatchObject({ type: 'started', frames: task.frames });
    await until(async () => (await farm.tasksLeft()) === 0, 'the task is acked');
  });
});
