import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { need } from '../support/needs.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const povray = need('povray');
/** Its first nine frames cannot be rendered, each for a reason that differs in its numbers only. */
const SCENE = `#version 3.7;
global_settings { assumed_gamma 1 }
#if (frame_number < 10)
  #error concat("The camera is ", str(10 - frame_number, 0, 0), " metres below the ground")
#end
camera { location <0, 0, -3> look_at 0 }
light_source { <2, 4, -3> rgb 1 }
sphere { 0, 1 pigment { rgb <0.2, 0.4, 0.8> } }
`;

describe.skipIf(povray.skip)(`a scene that cannot be rendered${povray.note}`, () => {
  let farm: WholeFarm;
  let held: JobSummary;

  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--workers', '1', '--slots', '2'] });
    const folder = join(farm.folder, 'scene');
    await mkdir(folder);
    const scene = join(folder, 'below.pov');
    await writeFile(scene, SCENE);
    const waited = await farm.cli(['submit', scene, '--frames', '1-12', '--chunk', '1', '--wait', '--json']);
    expect(waited.code).not.toBe(0);
    held = JSON.parse(waited.stdout) as JobSummary;
  });
  afterAll(() => farm.stop());

  it('is held after five frames, with the words of the engine', () => {
    expect(held.state).toBe('held');
    expect(held.frames).toMatchObject({ total: 12, done: 0, failed: 0, held: 12 });
    expect(held.error).toEqual(
      expect.stringMatching(
        /^Held: [56] frames failed alike on .*, the only worker .*: File 'below\.pov' line 4: .* metres below the ground\. /,
      ),
    );
  });

  it('has wasted no more than the frames that were under way', async () => {
    const frames = await farm.json<Frame[]>('frames', held.id);
    const tried = frames.filter(({ error }) => error !== null).length;
    expect(tried).toBeGreaterThanOrEqual(5);
    expect(tried).toBeLessThanOrEqual(8);
  });

  it('goes on when it is resumed, and is not held again', async () => {
    const resumed = await farm.cli(['resume', held.id]);
    expect(resumed).toMatchObject({ code: 0 });
    const ended = await farm.ended(held.id);
    expect(ended).toMatchObject({ state: 'failed', frames: { done: 3, failed: 9, held: 0 } });
    await farm.expectNoFaults();
  });
});
