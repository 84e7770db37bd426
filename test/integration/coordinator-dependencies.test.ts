import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';

describe('what waits for something else', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  /** A worker that finishes only frames of `render` that the test lets through; everything else at once. */
  async function gated() {
    const allowed = new Set<number>();
    const failing = new Set<number>();
    await farm.work({
      slots: 64,
      handle: async (task) => {
        await task.started();
        if (task.task.step === 'render') {
          const [frame = 0] = task.frames;
          await until(
            `frame ${frame} is let through`,
            () => allowed.has(frame) || failing.has(frame),
            60_000,
          );
          if (failing.has(frame)) {
            await task.fail({ message: 'broken', failedFrame: frame, class: 'scene' });
            return;
          }
        }
        await task.complete();
      },
    });
    return { allowed, failing };
  }

  const doneFrames = async (step: string): Promise<number[]> => {
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select('frames.number')
      .where('steps.name', '=', step)
      .where('frames.state', '=', 'done')
      .orderBy('frames.number')
      .execute();
    return rows.map((row) => row.number);
  };
  const render = { name: 'render', engine: 'null', frames: '1-10', chunk: 1, maxAttempts: 1 };

  it('lets a frame go when those around it are done, and not before', async () => {
    const { allowed } = await gated();
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [
        render,
        {
          name: 'comp',
          engine: 'null',
          frames: '1-12',
          dependsOn: [{ step: 'render', kind: 'frame', window: 1 }],
        },
      ],
    });
    for (const frame of [1, 2, 3, 5, 7]) allowed.add(frame);
    // 1 needs 1 and 2; 2 needs 1 to 3; 12 needs 11 to 13, which there are not.
    await until('frames 1, 2 and 12 are done', async () => (await doneFrames('comp')).length === 3);
    expect(await doneFrames('comp')).toEqual([1, 2, 12]);
    for (const frame of [4, 6, 8, 9, 10]) allowed.add(frame);
    const job = await jobWhen(farm.context, 'j', 'completed');
    expect(job.frames).toMatchObject({ total: 22, done: 22, waiting: 0 });
  });

  it('skips only frames whose own frames failed, and renders them after a retry', async () => {
    const { allowed, failing } = await gated();
    failing.add(4);
    for (const frame of [1, 2, 3, 5, 6, 7, 8, 9, 10]) allowed.add(frame);
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [
        render,
        {
          name: 'comp',
          engine: 'null',
          frames: '1-10',
          dependsOn: [{ step: 'render', kind: 'frame', offset: -1 }],
        },
      ],
    });
    const failed = await jobWhen(farm.context, 'j', 'failed');
    // Frame n of comp waits for n - 1 of render.
    expect(await doneFrames('comp')).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10]);
    expect(failed.frames).toMatchObject({ failed: 1, skipped: 1, waiting: 0 });
    failing.delete(4);
    allowed.add(4);
    expect(await control(farm.context, 'j', { verb: 'retry' })).toMatchObject({ ok: true });
    expect((await jobWhen(farm.context, 'j', 'completed')).frames).toMatchObject({ done: 20 });
  });

  it('lets a large step go in one statement, rows that are still to be written included', async () => {
    await farm.work({ slots: 4 });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [
        { name: 'one', engine: 'null', frames: '1-12000', targetSeconds: 1 },
        {
          name: 'two',
          engine: 'null',
          frames: '1-12000',
          targetSeconds: 1,
          dependsOn: [{ step: 'one', kind: 'frame' }],
        },
      ],
    });
    const job = await jobWhen(farm.context, 'j', 'completed', 60_000);
    expect(job.frames).toMatchObject({ total: 24_000, done: 24_000 });
  });

  it('waits for other jobs: for all of one, for a step of one, and frame by frame', async () => {
    const { allowed } = await gated();
    await submit(farm.context, { version: 1, id: 'first', name: 'x', steps: [render] });
    const frames = { engine: 'null', frames: '1-3' };
    await submit(farm.context, {
      version: 1,
      id: 'whole',
      name: 'x',
      ...frames,
      dependsOn: [{ job: 'first' }],
    });
    await submit(farm.context, {
      version: 1,
      id: 'partly',
      name: 'x',
      steps: [
        { name: 'step', ...frames, dependsOn: [{ job: 'first', step: 'render' }] },
        { name: 'frame', ...frames, dependsOn: [{ job: 'first', kind: 'frame' }] },
      ],
    });
    for (const frame of [1, 2]) allowed.add(frame);
    await until('two frames went on', async () => (await doneFrames('frame')).length === 2);
    expect((await jobWhen(farm.context, 'whole', 'queued')).frames).toMatchObject({ waiting: 3 });
    // Whoever lets them go may be another coordinator than the one that took them.
    const other = await startTestCoordinator(farm.context);
    for (let frame = 3; frame <= 10; frame++) allowed.add(frame);
    await jobWhen(farm.context, 'whole', 'completed');
    await jobWhen(farm.context, 'partly', 'completed');
    await other.stop();
  });

  it('refuses what can never be met, and names it', async () => {
    const refusal = async (document: Record<string, unknown>): Promise<unknown> => {
      const reply = await submit(farm.context, { version: 1, name: 'x', ...document });
      return 'errors' in reply ? reply.errors : reply;
    };
    const step = { engine: 'null', frames: '1-2' };
    expect(
      await refusal({
        steps: [
          { name: 'a', ...step, dependsOn: [{ step: 'b', kind: 'frame' }] },
          { name: 'b', ...step, dependsOn: ['a'] },
        ],
      }),
    ).toEqual([{ path: 'steps', value: 'the cycle a → b → a', expected: 'dependencies without a cycle' }]);
    expect(await refusal({ ...step, dependsOn: [{ job: 'nowhere' }] })).toEqual([
      {
        path: 'dependsOn[0]',
        value: '"nowhere"',
        expected: 'a job of this farm: submit it first, or give it this id',
      },
    ]);
    await submit(farm.context, { version: 1, id: 'gone', name: 'x', ...step });
    await control(farm.context, 'gone', { verb: 'cancel' });
    expect(await refusal({ ...step, dependsOn: [{ job: 'gone' }] })).toEqual([
      {
        path: 'dependsOn[0]',
        value: '"gone", which was cancelled',
        expected: 'a job that can still be completed: resume it first, or leave it out',
      },
    ]);
    expect(await refusal({ ...step, licences: ['nuke'] })).toEqual([
      {
        path: 'licences[0]',
        value: '"nuke"',
        expected: 'a licence pool (there is none yet); make one with: farmhand limits set licence nuke N',
      },
    ]);
  });

  it('renders the first, the middle and the last frame before the others', async () => {
    const order: number[] = [];
    await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        order.push(...task.frames);
        await task.complete();
      },
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'null',
      frames: '11-20',
      chunk: 5,
      preview: 'first-middle-last',
    });
    await jobWhen(farm.context, 'j', 'completed');
    expect(order).toEqual([11, 15, 20, 12, 13, 14, 16, 17, 18, 19]);
  });
});
