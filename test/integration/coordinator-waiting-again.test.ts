import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask } from '../support/scripted-worker.ts';

describe('what waits when coordinators change and what it waits for is rendered again', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  let letGo = (): void => undefined;
  afterEach(async () => {
    letGo();
    await farm.dispose();
  });

  const first = { requires: { tags: ['first'] } };
  const second = { requires: { tags: ['second'] } };
  /** Two workers: one for what others wait for, one for what waits, which holds its tasks until it is told. */
  async function two(slots = 1) {
    const held: HeldTask[] = [];
    const order: string[] = [];
    let open = false;
    letGo = () => {
      open = true;
    };
    await farm.work({
      id: 'w1',
      slots: 1,
      facts: { tags: ['first'] },
      handle: async (task) => {
        await task.started();
        order.push(`${task.task.step} ${task.frames.join()}`);
        await task.complete();
      },
    });
    const worker = await farm.work({
      id: 'w2',
      slots,
      facts: { tags: ['second'] },
      handle: async (task) => {
        await task.started();
        order.push(`${task.task.step} ${task.frames.join()}`);
        held.push(task);
        await until('the test lets go', () => open || !worker.held.has(task.attempt), 60_000);
        if (worker.held.has(task.attempt)) await task.complete();
      },
    });
    return { held, order };
  }
  const frames = async (jobId: string, step: string) => {
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select(['frames.number', 'frames.state', 'frames.generation'])
      .where('steps.job_id', '=', jobId)
      .where('steps.name', '=', step)
      .orderBy('frames.number')
      .execute();
    return rows.map(({ number, state, generation }) => `${number} ${state} ${generation}`);
  };
  const secondRuns = (jobId: string, step: string): Promise<void> =>
    until('the first is done and the second under way', async () => {
      const states = await frames(jobId, step);
      return states[0] === '1 done 1' && states[1] === '2 running 1';
    });
  const withSteps = (...dependsOn: unknown[]) => ({
    version: 1,
    id: 'j',
    name: 'x',
    steps: [
      { name: 'render', engine: 'null', frames: '1-5', chunk: 1, ...first },
      { name: 'comp', engine: 'null', frames: '1-5', chunk: 1, dependsOn, ...second },
    ],
  });

  it('goes on with waits between jobs when another coordinator begins, whatever was done meanwhile', async () => {
    const held: HeldTask[] = [];
    await farm.work({
      slots: 8,
      handle: async (task) => {
        await task.started();
        if (task.task.jobId === 'first') held.push(task);
        else await task.complete();
      },
    });
    const part = { engine: 'null', frames: '1-3' };
    await submit(farm.context, { version: 1, id: 'first', name: 'x', ...part, chunk: 1 });
    await submit(farm.context, {
      version: 1,
      id: 'whole',
      name: 'x',
      ...part,
      dependsOn: [{ job: 'first' }],
    });
    await submit(farm.context, {
      version: 1,
      id: 'frames',
      name: 'x',
      steps: [{ name: 'comp', ...part, dependsOn: [{ job: 'first', kind: 'frame' }] }],
    });
    await until('all of it is under way', () => held.length === 3);
    await held.find(({ frames: [number] }) => number === 1)!.complete();
    await jobWhen(farm.context, 'frames', (job) => job.frames.done === 1);
    await farm.coordinator.stop();
    await held.find(({ frames: [number] }) => number === 2)!.complete();
    const other = await startTestCoordinator(farm.context);
    await jobWhen(farm.context, 'frames', (job) => job.frames.done === 2);
    expect((await jobWhen(farm.context, 'whole', 'queued')).frames).toMatchObject({ waiting: 3 });
    await held.find(({ frames: [number] }) => number === 3)!.complete();
    for (const id of ['first', 'whole', 'frames']) await jobWhen(farm.context, id, 'completed');
    await other.stop();
  });

  it('frame by frame: what is done stays, what runs goes on, only what has not begun waits again', async () => {
    const { held, order } = await two();
    await submit(farm.context, withSteps({ step: 'render', kind: 'frame' }));
    await jobWhen(farm.context, 'j', (job) => job.steps[0]?.frames.done === 5);
    await until('the first of them is under way', () => held.length === 1);
    await held[0]!.complete();
    await secondRuns('j', 'comp');
    order.length = 0;
    // Nobody renders anew until this is looked at.
    await control(farm.context, 'j', { verb: 'limits', running: 1 });
    await control(farm.context, 'j', { verb: 'retry', step: 'render', frames: '1,2,4' });
    expect(await frames('j', 'comp')).toEqual([
      '1 done 1',
      '2 running 1',
      '3 ready 1',
      '4 waiting 1',
      '5 ready 1',
    ]);
    expect(await frames('j', 'render')).toEqual([
      '1 ready 2',
      '2 ready 2',
      '3 done 1',
      '4 ready 2',
      '5 done 1',
    ]);
    await control(farm.context, 'j', { verb: 'limits', running: null });
    letGo();
    expect((await jobWhen(farm.context, 'j', 'completed')).frames).toMatchObject({ done: 10 });
    expect(order.filter((each) => each.startsWith('comp')).toSorted()).toEqual([
      'comp 3',
      'comp 4',
      'comp 5',
    ]);
    expect(order.indexOf('comp 4')).toBeGreaterThan(order.indexOf('render 4'));
    expect(await frames('j', 'comp')).toEqual([1, 2, 3, 4, 5].map((number) => `${number} done 1`));
  });

  it('as a whole: what is done stays done, and the rest waits until all is done again', async () => {
    const { held, order } = await two();
    await submit(farm.context, withSteps('render'));
    await until('the first of them is under way', () => held.length === 1);
    await held[0]!.complete();
    await secondRuns('j', 'comp');
    await control(farm.context, 'j', { verb: 'limits', running: 1 });
    await control(farm.context, 'j', { verb: 'retry', step: 'render', frames: '5' });
    expect(await frames('j', 'comp')).toEqual([
      '1 done 1',
      '2 running 1',
      '3 waiting 1',
      '4 waiting 1',
      '5 waiting 1',
    ]);
    order.length = 0;
    await control(farm.context, 'j', { verb: 'limits', running: null });
    letGo();
    await jobWhen(farm.context, 'j', 'completed');
    expect(order).toEqual(['render 5', 'comp 3', 'comp 4', 'comp 5']);
    expect(await frames('j', 'comp')).toEqual([1, 2, 3, 4, 5].map((number) => `${number} done 1`));
  });

  it('of another job: what is done stays done when the job before it is rendered again', async () => {
    const { held, order } = await two();
    const part = { version: 1, name: 'x', engine: 'null', frames: '1-3', chunk: 1 };
    await submit(farm.context, { ...part, id: 'before', ...first });
    await submit(farm.context, { ...part, id: 'after', ...second, dependsOn: [{ job: 'before' }] });
    await until('the first of them is under way', () => held.length === 1);
    letGo();
    await jobWhen(farm.context, 'after', 'completed');
    order.length = 0;
    expect(await control(farm.context, 'before', { verb: 'retry', frames: '3' })).toMatchObject({ ok: true });
    await jobWhen(farm.context, 'before', ({ state, frames }) => state === 'completed' && frames.done === 3);
    await until('it was rendered', async () => (await frames('before', 'render'))[2] === '3 done 2');
    expect(order).toEqual(['render 3']);
    expect(await frames('after', 'render')).toEqual(['1 done 1', '2 done 1', '3 done 1']);
    expect((await jobWhen(farm.context, 'after', () => true)).state).toBe('completed');
  });
});
