import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WaitReason } from '../../src/shared/contracts/messages.ts';
import { control } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { manage, why, type Explanation } from '../support/manage.ts';
import type { HeldTask, ScriptedWorker, ScriptedWorkerOptions } from '../support/scripted-worker.ts';

const GIB = 1_073_741_824;

describe('why a job waits', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const send = async (id: string, more: Record<string, unknown> = {}): Promise<void> => {
    const reply = await submit(farm.context, {
      version: 1,
      id,
      name: id,
      engine: 'null',
      frames: '1-10',
      chunk: 1,
      ...more,
    });
    if ('errors' in reply) throw new Error(JSON.stringify(reply));
  };
  /** A worker that keeps what it gets until the test ends it. */
  const keeper = async (
    options: ScriptedWorkerOptions = {},
  ): Promise<{ worker: ScriptedWorker; held: HeldTask[] }> => {
    const held: HeldTask[] = [];
    const worker = await farm.work({
      ...options,
      handle: async (task) => {
        held.push(task);
        await task.started();
      },
    });
    await until(`${worker.id} pulls and the ledger knows it`, async () => {
      const rows = await farm.context.ledger
        .selectFrom('workers')
        .select('id')
        .where('id', '=', worker.id)
        .execute();
      return rows.length > 0 && worker.controls.some(({ type }) => type === 'lanes');
    });
    return { worker, held };
  };
  /** The explanation once it gives this cause first among those of its steps. */
  const waitsFor = async (jobId: string, cause: WaitReason['cause']): Promise<Explanation> => {
    let last: Explanation | undefined;
    try {
      await until(
        `${jobId} waits for ${cause}`,
        async () => {
          last = await why(farm.context, jobId);
          return last.reasons.some((reason) => reason.cause === cause);
        },
        8_000,
      );
    } catch (error) {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}`, { cause: error });
    }
    return last!;
  };
  const texts = (explanation: Explanation): string[] => explanation.reasons.map(({ text }) => text);

  it('says that no worker is there, and then which engine none has', async () => {
    await send('j', { engine: 'null' });
    const alone = await waitsFor('j', 'no-workers');
    expect(alone.summary).toBe(
      'No worker is connected. A machine joins with ./farmhand invite here and ./farmhand worker there.',
    );
    expect(alone).toMatchObject({ jobId: 'j', state: 'queued', firstSlotSeconds: null, endSeconds: null });
    await keeper({ engines: ['povray'] });
    const missing = await waitsFor('j', 'engine');
    expect(missing.summary).toBe(
      'It needs null, which no worker has; the 1 worker of the farm has povray. It starts when a worker with null joins: ' +
        './farmhand doctor says how to get it.',
    );
  });

  it('names what is asked for and what there is: version, cores, memory, GPUs, tags, site', async () => {
    await keeper({ slots: 2, facts: { cores: 16, memoryBytes: 32 * GIB, site: 'oslo', tags: ['fast'] } });
    const asks = async (cause: WaitReason['cause'], requires: Record<string, unknown>) => {
      await send(cause, { requires });
      const { summary, reasons } = await waitsFor(cause, cause);
      return { summary, figures: reasons[0]?.figures };
    };
    expect(await asks('engine-version', { engineVersion: '>=5' })).toEqual({
      summary:
        'It needs null ≥ 5; the farm has 1 (1 worker). It starts when a worker with such a version joins, or resubmit with requires.engineVersion=1.',
      figures: { wanted: '>=5', workers: 1 },
    });
    expect(await asks('cores', { cores: 64 })).toEqual({
      summary:
        'It needs 64 cores for each task; the only worker with null has 16. It starts when such a worker joins, or resubmit with requires.cores=16.',
      figures: { wanted: 64, largest: 16 },
    });
    expect(await asks('memory', { memory: '64 GiB' })).toMatchObject({
      summary: expect.stringMatching(
        /^It needs 64 GiB of memory for each task; the only worker with null has 32 GiB\./,
      ) as unknown,
    });
    expect(await asks('gpus', { gpus: 1 })).toMatchObject({
      summary: expect.stringMatching(/^It needs 1 GPU; no worker with null has one\./) as unknown,
    });
    expect(await asks('tags', { tags: ['fast', 'quiet'] })).toMatchObject({
      summary: expect.stringMatching(
        /^It needs the tags fast and quiet; 1 worker has fast and no worker has quiet/,
      ) as unknown,
    });
    expect(await asks('site', { site: 'berlin' })).toMatchObject({
      summary: expect.stringMatching(
        /^It needs the site berlin; those with null are at oslo \(1 worker\)\./,
      ) as unknown,
    });
  });

  it('says which worker is kept away, by whom and why, and how to get it back', async () => {
    await keeper();
    await manage(farm.context, { verb: 'worker-pause', workers: ['w1'], reason: 'new driver' });
    await send('j');
    const { summary } = await waitsFor('j', 'workers-unavailable');
    expect(summary).toBe(
      'It needs null 1; 1 worker could render it, but 1 is paused (w1: new driver). Let it work again with ./farmhand workers w1 resume.',
    );
  });

  it('says that others go first, by priority or in turn, with the first slot as a range', async () => {
    const { held } = await keeper();
    await send('first', { priority: 90, frames: '1-4' });
    await until('it runs', () => held.length === 2);
    await Promise.all(held.splice(0).map((task) => task.complete())); // a frame of it is measured now
    await jobWhen(farm.context, 'first', ({ frames }) => frames.done === 2 && frames.running === 2);
    await send('later');
    const priority = await waitsFor('later', 'priority');
    expect(priority.summary).toMatch(
      /^It needs null 1; 1 worker has it: 1 busy with higher priority; first slot expected (at any moment|in .*)\./,
    );
    expect(priority.firstSlotSeconds?.min).toBeGreaterThanOrEqual(0);
    expect(priority.firstSlotSeconds?.max).toBeLessThan(60);
    await control(farm.context, 'later', { verb: 'priority', priority: 90 });
    const share = await waitsFor('later', 'share');
    expect(share.summary).toMatch(/1 busy with jobs of the same priority/);
    expect(share.summary).toMatch(/Slots of one priority are shared between projects/);

    const runs = await why(farm.context, 'first');
    expect(runs.reasons).toMatchObject([{ cause: 'running', figures: { running: 2, workers: 1 } }]);
    expect(runs.summary).toMatch(/^2 frames are being rendered now on w1/);
  });

  it('says which limit it is at: of the job, of its project, of a licence pool', async () => {
    await keeper({ slots: 8 });
    await send('own', { limits: { running: 1 } });
    await jobWhen(farm.context, 'own', ({ frames }) => frames.running === 1);
    expect((await waitsFor('own', 'limit')).summary).toBe(
      '1 frame is being rendered now. It may run 1 frame of this job at once, and 1 is out now. Change it with ./farmhand limit own N.',
    );
    await manage(farm.context, { verb: 'limit', kind: 'project', name: 'film', running: 0 });
    await send('film', { project: 'film' });
    expect((await waitsFor('film', 'limit')).summary).toBe(
      'It waits while nothing of project film may run: the limit is 0. Change it with ./farmhand limits set project film N.',
    );
    await manage(farm.context, { verb: 'limit', kind: 'licence', name: 'renderer', running: 1 });
    await send('licensed', { licences: ['renderer'] });
    const licensed = await waitsFor('licensed', 'licence');
    expect(licensed.reasons.find(({ cause }) => cause === 'licence')).toMatchObject({
      text: 'It needs the only licence of the pool renderer; 1 is out now. Change it with ./farmhand limits set licence renderer N.',
      figures: { limit: 1, running: 1, ofOtherJobs: 0 },
    });
  });

  it('says what it waits for: a step, another job, a time, a person', async () => {
    await keeper();
    await send('film', {
      engine: undefined,
      frames: undefined,
      chunk: undefined,
      steps: [
        { name: 'render', engine: 'null', frames: '1-4', chunk: 1 },
        { name: 'comp', engine: 'null', frames: '1-2', dependsOn: ['render'] },
      ],
    });
    await jobWhen(farm.context, 'film', ({ frames }) => frames.running === 2);
    const step = await waitsFor('film', 'dependency');
    expect(step.reasons).toMatchObject([
      {
        cause: 'dependency',
        step: 'comp',
        text: 'Step comp: 2 frames wait for all of step render: 0 of 4 frames are done, 4 are left.',
        figures: { done: 0, total: 4, waiting: 2 },
      },
      { cause: 'running', step: 'render' },
    ]);
    await send('after', { dependsOn: [{ job: 'film' }] });
    expect(texts(await waitsFor('after', 'dependency'))[0]).toMatch(/job film: 0 of 6 frames are done/);

    await send('tomorrow', { notBefore: new Date(Date.now() + 86_400_000).toISOString() });
    const tomorrow = await waitsFor('tomorrow', 'not-before');
    expect(tomorrow.summary).toMatch(/^It was asked not to begin before .* UTC \(in 24 h\)\.$/);
    expect(tomorrow.firstSlotSeconds?.min).toBeGreaterThan(86_000);

    await control(farm.context, 'film', { verb: 'pause' });
    expect((await waitsFor('film', 'paused')).summary).toBe(
      'Somebody paused it: 6 frames wait. Let it go on with ./farmhand resume film.',
    );
    await control(farm.context, 'after', { verb: 'cancel' });
    expect((await waitsFor('after', 'ended')).summary).toMatch(
      /^It was cancelled: 0 of 10 frames are done\./,
    );
  });

  it('says that a frame rests after a failure, and that frames of a step go one after another', async () => {
    let failed = false;
    const worker = await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        if (failed || task.task.jobId !== 'failing') return;
        failed = true;
        await task.fail({ message: 'the engine ended', failedFrame: 1 });
      },
    });
    await until('it pulls', () => worker.controls.some(({ type }) => type === 'lanes'));
    await send('failing', { frames: '1' });
    const resting = await waitsFor('failing', 'back-off');
    expect(resting.reasons[0]?.text).toMatch(/^1 frame failed before and is tried again from /);
    await control(farm.context, 'failing', { verb: 'cancel' });
    await keeper({ id: 'w2', slots: 4 });
    await send('ordered', { chunk: 'sequential', frames: '1-20000' });
    const ordered = await waitsFor('ordered', 'sequential');
    expect(ordered.reasons[0]?.text).toMatch(/rendered one after another in one slot/);
  });

  it('says that a worker is emptied for a big task', async () => {
    const { held } = await keeper({ slots: 4 });
    await send('small', { frames: '1-3' });
    await jobWhen(farm.context, 'small', (job) => job.frames.running === 3);
    await send('big', { frames: '1', requires: { cores: 'all' } });
    const { reasons } = await waitsFor('big', 'reserving');
    expect(reasons[0]?.text).toMatch(/^It needs null.* \(4 slots at once\); 1 worker has it/);
    await Promise.all(held.splice(0).map((task) => task.complete()));
    await until('it runs', () => held.some(({ task }) => task.jobId === 'big'));
  });

  it('answers for a job that has ended, and says when there is none', async () => {
    await farm.work();
    await send('done');
    await jobWhen(farm.context, 'done', 'completed');
    expect(await why(farm.context, 'done')).toMatchObject({
      state: 'completed',
      summary: 'It waits for nothing: 10 of 10 frames are done.',
      reasons: [{ cause: 'ended' }],
      endSeconds: null,
    });
    await expect(why(farm.context, 'nothing')).rejects.toThrow('There is no job nothing.');
  });
});
