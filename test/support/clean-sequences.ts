import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { htmlEngine } from '../../src/worker/engines/html/engine.ts';
import { lottieEngine } from '../../src/worker/engines/lottie/engine.ts';
import type { Engine } from '../../src/worker/engines/engine.ts';
import { EngineHarness } from './engine-harness.ts';
import { engineHere } from './engine-needs.ts';

const run = promisify(execFile);
const TITLE_CARD = join(import.meta.dirname, '../../examples/templates/title-card/title-card.json');
const SIZE = { width: 160, height: 90 };

/**
 * An animation with all that could be taken for a mistake: a fade from black, a cut (61), drawings on twos (101–140), a strobe
 * (141–160), an end card that does not move (161–184), and a fade to black after it, with some frames of black.
 */
const POVRAY = `#version 3.7; global_settings { assumed_gamma 1 }
#declare F = frame_number;
#declare T = F;
#if (F > 100 & F <= 140) #declare T = 2 * floor(F / 2); #end
#if (F > 160) #declare T = 160; #end
#declare L = min(1, (F - 1) / 12);
#if (F > 184) #declare L = max(0, 1 - (F - 184) / 8); #end
background { color rgb <0.1, 0.15, 0.3> * L }
#if (F > 60) camera { location <6, 3, -3> look_at <0, 0.5, 0> } #else camera { location <0, 2, -6> look_at <0, 0.5, 0> } #end
light_source { <4, 6, -5> color rgb L }
#if (F > 140 & F <= 160 & mod(F, 2) = 0) light_source { <-4, 8, -3> color rgb 3 } #end
plane { y, 0 pigment { checker color rgb <0.8, 0.7, 0.4>, color rgb <0.2, 0.3, 0.2> } }
sphere { <3 * sin(T * 0.08), 0.7, cos(T * 0.05)>, 0.7 pigment { color rgb <0.9, 0.2, 0.1> } finish { phong 0.8 } }
box { <-0.4, 0, -0.4>, <0.4, 1.2, 0.4> rotate y * T * 4 translate <-1.6 + T * 0.01, 0, 1> pigment { color rgb <0.1, 0.5, 0.8> } }`;

/** Begins empty, as titles do; moves, rests, is drawn on threes, and stands at the end. */
const HTML = `<!doctype html><meta name="farmhand" content="frames=0-189 fps=25">
<style>body { margin: 0; background: #fff; overflow: hidden; font: bold 22px sans-serif }
div { position: absolute; top: 20px; left: 10px; opacity: 0; color: #036 }
i { position: absolute; top: 60px; width: 24px; height: 24px; border-radius: 12px; background: #e40 }</style>
<div>Quarterly report</div><i></i>
<script>
const title = document.querySelector('div'), ball = document.querySelector('i');
function draw(now) {
  const t = now / 1000, held = t > 2 && t < 4 ? Math.floor(t * 25 / 3) * 3 / 25 : Math.min(t, 5);
  title.style.opacity = Math.min(1, Math.max(0, t - 0.2) * 2);
  ball.style.left = 70 + 66 * Math.sin(held * 2.2) + 'px';
  ball.style.visibility = t < 0.2 ? 'hidden' : 'visible';
  document.body.style.background = t > 2.4 ? '#123' : '#fff';
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
</script>`;

/** Path tracing with its noise. */
const BLENDER = `
import bpy
s = bpy.context.scene
s.render.engine = 'CYCLES'; s.cycles.device = 'CPU'; s.cycles.samples = 8; s.cycles.use_denoising = False
s.render.resolution_x = 160; s.render.resolution_y = 90; s.render.threads_mode = 'FIXED'; s.render.threads = 1
c = bpy.data.objects['Cube']
for f, x in ((1, -2), (40, 2), (72, 0)):
    c.location.x = x; c.keyframe_insert('location', frame=f)
    c.rotation_euler.z = x; c.keyframe_insert('rotation_euler', frame=f)
`;

/** Frames that nothing is wrong with, each sequence in a folder of its own. @returns how many there are */
export async function renderCleanSequences(folder: string): Promise<number> {
  const counts = [
    await renderPovray(join(folder, 'povray')),
    await renderWith(lottieEngine, TITLE_CARD, 48, join(folder, 'lottie')),
    await renderHtml(join(folder, 'html')),
    await renderBlender(join(folder, 'blender')),
  ];
  return counts.reduce((sum, count) => sum + count, 0);
}

export async function renderPovray(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const scene = join(folder, 'scene.pov');
  await writeFile(scene, POVRAY);
  const size = [`+W${SIZE.width}`, `+H${SIZE.height}`, '+A0.3', '+FN', '-D', '-GA', '+WT1'];
  await run('povray', [`+I${scene}`, `+O${join(folder, 'shot_')}`, ...size, '+KFI1', '+KFF200'], {
    cwd: folder,
  });
  return 200;
}

async function renderHtml(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const scene = join(folder, 'page.html');
  await writeFile(scene, HTML);
  return await renderWith(htmlEngine, scene, 190, folder);
}

async function renderWith(
  engine: Engine,
  scenePath: string,
  frames: number,
  folder: string,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const { detected } = await engineHere(engine, engine.id);
  const harness = await EngineHarness.create(engine, detected);
  try {
    const session = await harness.open({ scenePath, output: { format: 'png', ...SIZE, fps: 25 } });
    for (let frame = 0; frame < frames; frame++) {
      const { files } = await harness.render(session, frame);
      await copyFile(
        files[0]?.path ?? '',
        join(folder, `${engine.id}.${String(frame).padStart(4, '0')}.png`),
      );
    }
    return frames;
  } finally {
    await harness.dispose();
  }
}

async function renderBlender(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const output = ['-o', join(folder, 'blender_####'), '-F', 'PNG', '-s', '1', '-e', '72', '-a'];
  await run('blender', ['-b', '--factory-startup', '--python-expr', BLENDER, ...output], {
    maxBuffer: 64_000_000,
  });
  return 72;
}
