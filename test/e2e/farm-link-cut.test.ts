import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { JoinedWorker } from '../support/joined-worker.ts';
import { need } from '../support/needs.ts';
import { writeSlowScene } from '../support/slow-scene.ts';
import { TwoNetworks } from '../support/two-networks.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

/** Longer than the farm's patience with a silent worker (6 s) and than NATS's pings (10 s). */
const CUT_MS = Number(process.env['FARMHAND_TEST_CUT_SECONDS'] ?? 18) * 1_000;
const TAKE_OVER_MS = 10_000;

const programs = need('ip', 'povray');
const refusal = programs.skip ? undefined : TwoNetworks.refusal();
const note = refusal === undefined ? programs.note : ` (skipped: ${refusal})`;

describe.skipIf(programs.skip || refusal !== undefined)(`a worker on another machine${note}`, () => {
  let networks: TwoNetworks;
  let farm: WholeFarm;
  let far: JoinedWorker;
  let near: JoinedWorker | undefined;
  let scene: string;
  let quick: string;

  beforeAll(async () => {
    networks = TwoNetworks.create();
    farm = await WholeFarm.start({
      up: ['--workers', '0', '--host', networks.hereAddress],
      prefix: networks.on('here'),
    });
    far = await JoinedWorker.start(farm, 'far', networks.on('there'));
    scene = await writeSlowScene(join(farm.folder, 'slow'), 10);
    quick = await writeSlowScene(join(farm.folder, 'quick'), 3);
  });
  afterAll(async () => {
    networks.mend();
    await near?.stop();
    await far.stop();
    await farm.stop();
    networks.remove();
  });

  const submit = (file: string, frames: string): Promise<JobSummary> =>
    farm.json<JobSummary>('submit', file, '--frames', frames, '--chunk', '1');
  const frame = async (job: JobSummary, number: number): Promise<Frame> => {
    const frames = await farm.json<Frame[]>('frames', job.id);
    return frames.find((one) => one.frame === number)!;
  };
  const isRenderedByFar = async (job: JobSummary, number: number): Promise<boolean> => {
    const worker = (await farm.workers()).find(({ id }) => id === 'far');
    return worker!.rendering.some((one) => one.jobId === job.id && one.frame === number);
  };
  /** Pulls are served in turn: a job that the near worker took is given up, and the next one is the far worker's. */
  const submitToFar = async (number: number): Promise<JobSummary> => {
    for (let tries = 0; tries < 6; tries++) {
      const job = await submit(scene, String(number));
      let taker: string | undefined;
      await until(
        async () => {
          const workers = await farm.workers();
          taker = workers.find(({ rendering }) => rendering.some((one) => one.jobId === job.id))?.id;
          return taker !== undefined;
        },
        'somebody renders the frame',
        30_000,
      );
      if (taker === 'far') return job;
      await farm.json('cancel', job.id);
      await until(async () => (await farm.workers()).every((one) => one.state === 'idle'), 'it is given up');
    }
    throw new Error('The near worker took every job.');
  };
  const attemptsOf = async (job: JobSummary, number: number) =>
    (await farm.expectNoFaults()).filter((one) => one.jobId === job.id && one.frames.includes(number));

  it('renders for the farm that invited it', async () => {
    const template = ['template:title-card', '--frames', '0-5', '--param', 'title=Hello', '--wait'];
    const { state } = await farm.json<JobSummary>('submit', ...template);
    expect(state).toBe('completed');
    const attempts = await farm.expectNoFaults();
    expect(new Set(attempts.map(({ worker }) => worker))).toEqual(new Set(['far']));
  });

  it('is cut off in the middle of a frame, with nobody else free: the frame is delivered afterwards, not started again', async () => {
    const job = await submit(scene, '1-2');
    await until(() => isRenderedByFar(job, 1), 'frame 1 is being rendered', 30_000);
    networks.cut();
    await sleep(CUT_MS);
    networks.mend();
    const { state, frames } = await farm.ended(job.id, 120_000);
    expect({ state, done: frames.done }).toEqual({ state: 'completed', done: 2 });
    const attempts = await attemptsOf(job, 1);
    expect(attempts).toHaveLength(1);
    expect(await frame(job, 1)).toMatchObject({ worker: 'far', attempt: 1, generation: 1 });
  });

  it('is cut off in the middle of a frame, with another one free: it takes over within 10 s', async () => {
    near = await JoinedWorker.start(farm, 'near', networks.on('here'));
    const job = await submitToFar(7);
    const cutAt = Date.now();
    networks.cut();
    await sleep(CUT_MS);
    networks.mend();
    const { state, frames } = await farm.ended(job.id, 120_000);
    expect({ state, done: frames.done }).toEqual({ state: 'completed', done: 1 });
    const second = (await attemptsOf(job, 7)).find(({ worker }) => worker === 'near');
    expect(second).toBeDefined();
    expect(second!.startedAt - cutAt).toBeLessThan(TAKE_OVER_MS);
  });

  it('takes part again afterwards', async () => {
    await until(
      async () => (await farm.workers()).filter(({ state }) => state === 'idle').length === 2,
      'both workers are idle',
      60_000,
    );
    const { id } = await submit(quick, '20-21');
    expect((await farm.ended(id)).state).toBe('completed');
    const attempts = await farm.expectNoFaults();
    const workers = attempts.filter(({ jobId }) => jobId === id).map(({ worker }) => worker);
    expect(new Set(workers)).toEqual(new Set(['far', 'near']));
  });
});
