import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { povrayEngine } from '../../src/worker/engines/povray/engine.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';
import { engineHere } from '../support/engine-needs.ts';

const here = await engineHere(povrayEngine, 'povray');
const ORRERY = join(import.meta.dirname, '../../examples/povray/orrery/orrery.ini');
const OTHERS = '/usr/share/doc/povray/examples/animations/';
const OUTPUT = { format: 'png', width: 64, height: 36 };
const HEAD = '#version 3.7;\nglobal_settings { assumed_gamma 1 }\ncamera { location -z * 3 look_at 0 }\n';

describe.skipIf(here.skip)(`POV-Ray${here.note}`, () => {
  let harness: EngineHarness;

  beforeEach(async () => {
    harness = await EngineHarness.create(povrayEngine, here.detected);
  });
  afterEach(async () => {
    await harness.dispose();
  });

  async function scene(body: string, name = 's.pov', files: Record<string, string> = {}): Promise<string> {
    for (const [path, content] of Object.entries({ ...files, [name]: HEAD + body })) {
      await mkdir(dirname(join(harness.folder, path)), { recursive: true });
      await writeFile(join(harness.folder, path), content);
    }
    return join(harness.folder, name);
  }

  async function pixelsOf(scenePath: string, frame: number, more: object = {}): Promise<Buffer> {
    const session = await harness.open({ scenePath, output: OUTPUT, ...more });
    const rendered = await harness.render(session, frame);
    const picture = await decode(rendered.files[0]?.path);
    expect([picture.width, picture.height]).toEqual([64, 36]);
    return picture.pixels;
  }

  it('renders frames of an .ini with its include, each another picture', async () => {
    const session = await harness.open({ scenePath: ORRERY, output: { format: 'png' } });
    const frames = [await harness.render(session, 1), await harness.render(session, 20)];
    const [first, last] = await Promise.all(frames.map((frame) => decode(frame.files[0]?.path)));
    expect(first).toMatchObject({ width: 320, height: 180 });
    expect(first?.pixels.equals(last?.pixels ?? Buffer.alloc(0))).toBe(false);
    expect(harness.progress.at(-1)).toBe(1);
    await expect(harness.render(session, 21)).rejects.toThrow('frames 1 to 20, and no frame 21');
  });

  it('renders animations that nobody here made', async () => {
    for (const path of ['ambient/ambient.ini', 'splinefollow/splinefollow.ini', 'quilted/plotqlt.ini'])
      expect(new Set(await pixelsOf(OTHERS + path, 3)).size).toBeGreaterThan(5);
  });

  it('finds files on shared storage by the paths of another machine', async () => {
    const show = join(harness.folder, 'mnt');
    await mkdir(join(show, 'lib'), { recursive: true });
    await writeFile(join(show, 'lib/glow.inc'), '#declare Glow = finish { emission 1 diffuse 0 ambient 0 }');
    const path = await scene(
      '#include "S:\\\\show\\\\lib\\\\glow.inc"\nsphere { 0, 1 pigment { rgb <1, 0, 0> } finish { Glow } }',
    );
    const pixels = await pixelsOf(path, 1, { paths: [{ from: 'S:\\show', to: show }] });
    const middle = (18 * 64 + 32) * 4;
    expect([...pixels.subarray(middle, middle + 3)]).toEqual([255, 0, 0]);
  });

  it('gives a frame the clock of its place in the animation, and declared numbers', async () => {
    const path = await scene(
      'sphere { 0, 1 pigment { rgb <clock, Green, 0> } finish { emission 1 diffuse 0 ambient 0 } }',
    );
    const animation = { initialFrame: 1, finalFrame: 3, initialClock: 0, finalClock: 1 };
    const middle = (18 * 64 + 32) * 4;
    const red = async (frame: number): Promise<number[]> => {
      const pixels = await pixelsOf(path, frame, { settings: { animation }, data: { Green: 1 } });
      return [...pixels.subarray(middle, middle + 3)];
    };
    expect(await red(1)).toEqual([0, 255, 0]);
    expect(await red(3)).toEqual([255, 255, 0]);
  });

  it('finds files of the scene before its own, and takes names that no shell would', async () => {
    const files = { 'colors.inc': '#declare Mine = rgb 1;', 'a b.inc': '#declare B = 1;' };
    const body =
      '#include "colors.inc"\n#include "a b.inc"\nsphere { 0, B pigment { Mine } finish { emission 1 } }';
    expect(new Set(await pixelsOf(await scene(body, '+O; $(touch x) "s.pov', files), 1)).has(255)).toBe(true);
  });

  it.each([
    ['a missing include', '#include "gone.inc"', 'missing-asset', 'gone.inc'],
    [
      'a missing picture',
      'sphere { 0, 1 pigment { image_map { png "gone.png" } } }',
      'missing-asset',
      'gone.png',
    ],
    ['a parse error', 'sphere { 0, 1 pigment { rgb foo } }', 'scene', "undeclared identifier 'foo'"],
    ['an #error', '#error "the radius is wrong"', 'scene', 'the radius is wrong'],
  ])('fails with its own words for %s', async (_name, body, failure, message) => {
    const session = await harness.open({ scenePath: await scene(body), output: OUTPUT });
    await expect(harness.render(session, 1)).rejects.toMatchObject({
      failure,
      message: expect.stringContaining(message) as string,
      sessionUsable: true,
    });
  });

  it('renders short frames that follow each other in one run, each the same as alone', async () => {
    const session = await harness.open({ scenePath: ORRERY, output: OUTPUT });
    const asked = [1, 2, 3, 4, 5, 6, 9, 10];
    const together: Buffer[] = [];
    for (const [i, frame] of asked.entries()) {
      const rendered = await harness.render(session, frame, { following: asked.slice(i + 1) });
      together.push((await decode(rendered.files[0]?.path)).pixels);
      expect(rendered.seconds).toBeGreaterThan(0);
    }
    // 1 alone, then 2 to 6, then 9 and 10.
    const started = harness.log.filter((line) => line.startsWith('POV-Ray finished')).length;
    expect(started).toBe(3);
    for (const [i, frame] of asked.entries())
      expect((await pixelsOf(ORRERY, frame)).equals(together[i] ?? Buffer.alloc(0)), `frame ${frame}`).toBe(
        true,
      );
  });

  it('finds out which frame of a run is the wrong one, and renders the others', async () => {
    const path = await scene('#if (frame_number = 4) #error "not this one" #end sphere { 0, 1 }');
    const settings = { animation: { initialFrame: 1, finalFrame: 6 } };
    const session = await harness.open({ scenePath: path, output: OUTPUT, settings });
    const all = [1, 2, 3, 4, 5, 6];
    const render = (frame: number) =>
      harness.render(session, frame, { following: all.filter((other) => other > frame) });
    for (const frame of [1, 2, 3]) expect((await render(frame)).files).toHaveLength(1);
    await expect(render(4)).rejects.toMatchObject({ failure: 'scene' });
    const other = await harness.open({ scenePath: path, output: OUTPUT, settings });
    for (const frame of [5, 6])
      expect((await harness.render(other, frame, { following: frame === 5 ? [6] : [] })).files).toHaveLength(
        1,
      );
  });

  it('runs no commands that an .ini names', async () => {
    const proof = join(harness.folder, 'proof');
    const ini = `Input_File_Name=s.pov\nPre_Scene_Command=touch ${proof}\nPre_Frame_Command=touch ${proof}\n`;
    await scene('sphere { 0, 1 }', 's.pov', { 's.ini': ini });
    const session = await harness.open({ scenePath: join(harness.folder, 's.ini'), output: OUTPUT });
    await harness.render(session, 1).catch(() => undefined);
    expect(await readdir(harness.folder)).not.toContain('proof');
  });

  it('is killed when it hangs, when the frame is not wanted, and when it eats memory', async () => {
    const hang = await scene('#while (1) #end\nsphere { 0, 1 }', 'hang.pov');
    const session = await harness.open({ scenePath: hang, output: OUTPUT, timeouts: { frameSeconds: 2 } });
    await expect(harness.render(session, 1)).rejects.toMatchObject({ failure: 'timeout' });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 500);
    const another = await harness.open({ scenePath: hang, output: OUTPUT });
    await expect(harness.render(another, 1, { signal: stop.signal })).rejects.toThrow('stopped');
    const greedy = await scene(
      '#declare A = array[60000000];\n#for (I, 0, 59999999) #declare A[I] = I; #end',
      'greedy.pov',
    );
    const third = await harness.open({ scenePath: greedy, output: OUTPUT, memoryLimitBytes: 200_000_000 });
    await expect(harness.render(third, 1)).rejects.toMatchObject({ failure: 'out-of-memory' });
  });
});
