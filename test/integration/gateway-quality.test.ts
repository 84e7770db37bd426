import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame, FramesPage } from '../../src/shared/contracts/api.ts';
import type { Why } from '../../src/shared/contracts/manage-api.ts';
import type { FrameQualityPage, JobQuality, JobVerdicts } from '../../src/shared/contracts/quality-api.ts';
import { jobStatusSchema } from '../../src/shared/contracts/messages.ts';
import { storeAsset } from '../support/assets.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import { completeLookedAt, finding, qualityOf } from '../support/qualities.ts';

/** A job of which three frames wait for a person, seen and decided from outside. */
describe('results that wait for a decision', () => {
  let farm: CoordinatorFarm;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;
  const said: unknown[] = [];

  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    gateway = await startTestGateway(farm.context);
    commandLine = await CommandLineFarm.create();
    const judge = await farm.context.connectAs('gateway');
    judge.subscribe('status.job.j', { callback: (_error, message) => void said.push(message.json()) });
    await judge.flush();
    await farm.work({
      id: 'w1',
      slots: 1,
      engines: ['povray'],
      handle: (task) =>
        completeLookedAt(task, ({ number, generation }) =>
          number > 3 && generation === 1
            ? qualityOf(`odd ${number}`, [finding('hold', 'It has 7 fireflies.')])
            : qualityOf(`picture ${number}`, number === 1 ? [finding('warn', 'Its depth is uint8.')] : []),
        ),
    });
    const scene = `asset:${await storeAsset(farm.context, 'shot.pov')}/shot.pov`;
    const document = { version: 1, id: 'j', name: 'x', engine: 'povray', scene, frames: '1-6', chunk: 2 };
    await submit(farm.context, document);
    await jobWhen(farm.context, 'j', 'held', 40_000);
  });
  afterAll(async () => {
    await commandLine.dispose();
    await gateway.stop();
    await farm.dispose();
  });

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${gateway.url}/api/jobs/j/${path}`, {
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  };
  const cli = (...args: string[]): Promise<CommandOutcome> =>
    commandLine.run(args, { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });

  it('are told to whoever listens, with the first frames and the reason', async () => {
    const states = () =>
      said.flatMap((one) => {
        const status = jobStatusSchema.parse(one);
        return status.type === 'job' ? [status.job] : [];
      });
    await until('the hold is announced', () => states().at(-1)?.state === 'held');
    expect(states()[0]).not.toHaveProperty('decisions');
    expect(states().at(-1)).toMatchObject({
      state: 'held',
      deliveredAt: null,
      decisions: {
        frames: 3,
        first: [4, 5, 6].map((number) => ({
          step: 'render',
          number,
          generation: 1,
          reason: 'Waits for a decision: It has 7 fireflies.',
        })),
      },
    });
  });

  it('are shown by the API: verdicts, findings, and what waits', async () => {
    const quality = await get<JobQuality>('quality');
    expect(quality.steps).toMatchObject([
      {
        step: 'render',
        policy: { mode: 'gate' },
        comparing: false,
        verdicts: { pass: 2, warn: 1, hold: 3, fail: 0 },
      },
    ]);
    expect(quality.findings).toEqual([
      {
        step: 'render',
        check: 'blank',
        verdict: 'hold',
        frames: 3,
        first: [4, 5, 6],
        message: 'It has 7 fireflies.',
      },
      {
        step: 'render',
        check: 'blank',
        verdict: 'warn',
        frames: 1,
        first: [1],
        message: 'Its depth is uint8.',
      },
    ]);
    expect(quality.decisions).toMatchObject({ frames: 3 });
    const { frames } = await get<FramesPage>('frames?verdict=warn,hold');
    expect(frames.map((frame: Frame) => [frame.frame, frame.state, frame.verdict])).toEqual([
      [1, 'done', 'warn'],
      [4, 'held', 'hold'],
      [5, 'held', 'hold'],
      [6, 'held', 'hold'],
    ]);
    expect(frames[1]?.findings).toEqual([finding('hold', 'It has 7 fireflies.')]);
    expect(await get<JobVerdicts>('verdicts')).toEqual({ steps: [{ step: 'render', verdicts: 'wpphhh' }] });
    const why = await get<Why>('why');
    expect(why.summary).toContain('3 frames wait for your decision');
    expect(why.summary).toContain('./farmhand accept, retry or skip j');
  });

  it('are decided by commands, and the history says by whom and why', async () => {
    expect((await cli('job', 'j')).stdout).toContain(
      '3 frames wait for your decision: ./farmhand accept, retry or skip j',
    );
    expect((await cli('frames', 'j', '--verdict', 'hold')).stdout).toMatch(/render +4 +held +hold +1/);
    expect((await cli('quality', 'j')).stdout).toContain('It has 7 fireflies.');
    expect((await cli('accept', 'j', '--dry-run')).stdout).toBe('Accepts 3 frames as they are.\n');
    const accepted = await cli('accept', 'j', '--frames', '4', '--note', 'sparks are wanted');
    expect(accepted).toMatchObject({ code: 0, stdout: 'Accepted 1 frame as it is.\n' });
    expect((await cli('skip', 'j', '--frames', '6', '--note', 'cut from the film')).code).toBe(0);
    expect((await cli('retry', 'j', '--note', 'lamps mended')).stdout).toBe('1 frame is rendered again.\n');
    const job = await jobWhen(farm.context, 'j', 'completed');
    expect(job).toMatchObject({ frames: { done: 5, skipped: 1 } });
    expect(job.deliveredAt).not.toBeNull();
    expect(job).not.toHaveProperty('decisions');
    const page = await get<FrameQualityPage>('frames/render/4/quality');
    expect(page).toMatchObject({
      state: 'done',
      verdict: 'warn',
      measures: { width: 320 },
      attempts: [{ worker: 'w1', verdict: 'hold', decision: 'accepted', note: 'sparks are wanted' }],
    });
    expect((await cli('quality', 'j', '--frame', '5')).stdout).toContain('lamps mended');
    expect((await cli('job', 'j')).stdout).toContain('Note: cut from the film');
    expect((await cli('accept', 'j')).code).toBe(1);
  });
});
