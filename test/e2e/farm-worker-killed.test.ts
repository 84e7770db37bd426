import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { need } from '../support/needs.ts';
import { writeSlowScene } from '../support/slow-scene.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const FRAMES = 8;
const povray = need('povray');

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(povray.skip)(`the only worker is killed in the middle of a job${povray.note}`, () => {
  let farm: WholeFarm;
  let job: JobSummary;
  let doneBefore: Frame[];
  let enginesBefore: number[];

  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--workers', '1', '--slots', '2'] });
    const scene = await writeSlowScene(join(farm.folder, 'scene'), 2);
    job = await farm.json<JobSummary>('submit', scene, '--frames', `1-${FRAMES}`, '--chunk', '2');
    await until(
      async () => {
        const frames = await farm.json<Frame[]>('frames', job.id);
        doneBefore = frames.filter(({ state }) => state === 'done');
        enginesBefore = farm.engineProcesses();
        return doneBefore.length > 0 && enginesBefore.length > 0;
      },
      'a frame is done and others are being rendered',
      60_000,
    );
    for (const pid of farm.pidsOf('worker')) process.kill(pid, 'SIGKILL');
  });
  afterAll(() => farm.stop());

  it('leaves no engine process', async () => {
    await until(() => !enginesBefore.some(isThere), 'the engines of the killed worker end', 5_000);
  });

  it('is completed all the same, with every frame accepted once', async () => {
    const { state, frames } = await farm.ended(job.id);
    expect({ state, done: frames.done, total: frames.total }).toEqual({
      state: 'completed',
      done: FRAMES,
      total: FRAMES,
    });
    const attempts = await farm.expectNoFaults();
    expect(attempts.map(({ outcome }) => outcome)).toContain('lost');
  });

  it('does not render again what was done', async () => {
    const frames = await farm.json<Frame[]>('frames', job.id);
    const after = new Map(frames.map((frame) => [frame.frame, frame.key]));
    for (const { frame, key } of doneBefore) expect(after.get(frame)).toBe(key);
  });

  it('counts the loss against no frame', async () => {
    const frames = await farm.json<Frame[]>('frames', job.id);
    expect(frames.map(({ attempt }) => attempt)).toEqual(Array.from({ length: FRAMES }, () => 1));
  });
});
