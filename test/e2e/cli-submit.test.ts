import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { makeZip } from '../support/make-zip.ts';
import { need } from '../support/needs.ts';
import { WholeFarm } from '../support/whole-farm.ts';

/** Animations by people who never heard of this farm. */
const LOTTIE_FILES = join(
  dirname(createRequire(import.meta.url).resolve('@coinbase/cds-lottie-files/package.json')),
  'esm',
);
const POVRAY_EXAMPLES = '/usr/share/doc/povray/examples';
const SYNFIG_EXAMPLES = '/usr/share/doc/synfig-examples/examples';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');

let farm: WholeFarm;
let scratch: string;
beforeAll(async () => {
  farm = await WholeFarm.start({ up: ['--slots', '2'] });
  scratch = join(farm.folder, 'scratch');
  await mkdir(scratch);
});
afterAll(() => farm.stop());

async function pixels(file: string): Promise<{ width: number; height: number; data: Buffer }> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

describe('submit', () => {
  it('renders a Lottie file that nobody here wrote', async () => {
    const file = join(LOTTIE_FILES, 'tradeStatus', 'tradeStatus.json');
    const { w, h } = JSON.parse(await readFile(file, 'utf8')) as { w: number; h: number };
    const out = join(scratch, 'lottie');
    const result = await farm.cli([
      'submit',
      file,
      '--frames',
      '0-9x3',
      '--wait',
      '--download',
      out,
      '--json',
    ]);
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).toContain('tradeStatus.json: lottie, frames 0-9x3 (4 frames)');
    const job = JSON.parse(result.stdout) as JobSummary;
    expect(job).toMatchObject({ state: 'completed', name: 'tradeStatus', frames: { total: 4, done: 4 } });
    const names = await readdir(out);
    expect(names.sort()).toEqual([0, 3, 6, 9].map((n) => `render_000${n}.png`));
    const picture = await pixels(join(out, 'render_0009.png'));
    expect({ width: picture.width, height: picture.height }).toEqual({ width: w, height: h });
    expect(picture.data.some((byte) => byte !== 0)).toBe(true);
  });

  const povray = need('povray');
  it.skipIf(povray.skip)(`renders a POV-Ray animation that nobody here wrote${povray.note}`, async () => {
    const scene = join(POVRAY_EXAMPLES, 'animations', 'float1', 'float1.pov');
    if (!existsSync(scene)) throw new Error(`${scene} is not there: install the package povray-examples.`);
    const out = join(scratch, 'povray');
    const result = await farm.cli(['submit', scene, '--frames', '1,26', '--wait', '--download', out]);
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).toContain('float1.ini: povray');
    const [first, later] = await Promise.all([
      pixels(join(out, 'render_0001.png')),
      pixels(join(out, 'render_0026.png')),
    ]);
    expect(first.data.equals(later.data), 'the clock has moved between the frames').toBe(false);
  });

  const synfig = need('synfig');
  it.skipIf(synfig.skip)(`renders Synfig animations that nobody here made${synfig.note}`, async () => {
    for (const name of ['candy', 'japan', 'warptext']) {
      const scene = join(SYNFIG_EXAMPLES, `${name}.sif`);
      if (!existsSync(scene)) throw new Error(`${scene} is not there: install the package synfig-examples.`);
      const out = join(scratch, `synfig-${name}`);
      const result = await farm.cli(['submit', scene, '--frames', '0', '--wait', '--download', out]);
      expect(result, result.stderr).toMatchObject({ code: 0 });
      const picture = await pixels(join(out, 'render_0000.png'));
      expect(new Set(picture.data).size, `${name} shows something`).toBeGreaterThan(2);
    }
  });

  const ffmpeg = need('ffmpeg');
  it.skipIf(ffmpeg.skip)(`uploads the file that a document’s setting names${ffmpeg.note}`, async () => {
    const folder = join(scratch, 'sound');
    await mkdir(folder);
    await cp(join(import.meta.dirname, '../../examples/sound/chime.wav'), join(folder, 'chime.wav'));
    await cp(join(LOTTIE_FILES, 'gift', 'gift.json'), join(folder, 'gift.json'));
    const encode = { name: 'encode', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } };
    const document = (audio: string): string =>
      JSON.stringify({
        version: 1,
        name: 'Gift with sound',
        steps: [
          { name: 'render', engine: 'lottie', scene: './gift.json', frames: '0-5' },
          { ...encode, settings: { audio }, output: { format: 'mp4', fps: 12 } },
        ],
      });
    await writeFile(join(folder, 'job.json'), document('./chime.wav'));
    const out = join(folder, 'out');
    const result = await farm.cli(['submit', join(folder, 'job.json'), '--wait', '--download', out]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const [video = ''] = (await readdir(out)).filter((name) => name.endsWith('.mp4'));
    expect((await readFile(join(out, video))).includes('soun'), 'the video has a track of sound').toBe(true);
    await writeFile(join(folder, 'wrong.json'), document('./none.wav'));
    const wrong = await farm.cli(['submit', join(folder, 'wrong.json')]);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toMatch(
      /steps\[1\]\.settings\.audio names the file .*none\.wav, which cannot be read/,
    );
  });

  it('takes a folder, a zip around one, and says which scene it found', async () => {
    const folder = join(scratch, 'title folder');
    const examples = join(import.meta.dirname, '../../examples/templates/title-card');
    await cp(examples, join(folder, 'inner'), { recursive: true });
    const asFolder = await farm.cli(['submit', folder, '--frames', '0', '--wait', '--json']);
    expect(asFolder).toMatchObject({ code: 0 });
    expect(asFolder.stderr).toContain('inner/title-card.json: lottie');
    const zip = join(scratch, 'title.zip');
    const scene = await readFile(join(examples, 'title-card.json'));
    await writeFile(zip, makeZip([{ name: 'title/title-card.json', content: scene }]));
    const asZip = await farm.cli(['submit', zip, '--frames', '0', '--wait', '--json']);
    expect(asZip).toMatchObject({ code: 0 });
    expect((JSON.parse(asZip.stdout) as JobSummary).name).toBe('title');
  });

  it('uploads the local scene of a job document', async () => {
    const folder = join(scratch, 'document');
    await mkdir(folder);
    await cp(join(LOTTIE_FILES, 'gift', 'gift.json'), join(folder, 'gift.json'));
    const document = {
      version: 1,
      id: 'doc-1',
      name: 'Gift',
      scene: './gift.json',
      frames: '2',
      engine: 'lottie',
    };
    await writeFile(join(folder, 'job.json'), JSON.stringify(document));
    const job = await farm.json<JobSummary>('submit', join(folder, 'job.json'), '--wait', '--priority', '70');
    expect(job).toMatchObject({ id: 'doc-1', state: 'completed', priority: 70 });
  });

  it('fills a template, and gives the same job for the same key', async () => {
    const args = ['submit', 'template:title-card', '--frames', '0-1', '--key', 'k1', '--param', 'title=Hi'];
    const job = await farm.json<JobSummary>(...args, '--wait');
    expect(job).toMatchObject({ state: 'completed', frames: { done: 2 } });
    expect((await farm.json<JobSummary>(...args)).id).toBe(job.id);
    const other = await farm.cli([...args.slice(0, -1), 'title=Other']);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('idempotencyKey');
    const data = join(scratch, 'data.json');
    await writeFile(data, JSON.stringify({ title: 'From a file' }));
    const fromFile = ['submit', 'template:title-card', '--frames', '0', '--data', data, '--wait'];
    expect((await farm.json<JobSummary>(...fromFile)).state).toBe('completed');
  });

  it('exits 1 when the job fails, with the reason of the engine', async () => {
    const args = [
      'submit',
      'template:title-card',
      '--param',
      'title=x',
      '--frames',
      '47-48',
      '--wait',
      '--json',
    ];
    const result = await farm.cli(args);
    const job = JSON.parse(result.stdout) as JobSummary;
    expect({ code: result.code, state: job.state }).toEqual({ code: 1, state: 'failed' });
    expect(job.error).toContain('no frame 48');
    const frames = await farm.json<Frame[]>('frames', job.id);
    expect(frames).toMatchObject([
      { frame: 47, state: 'done', error: null },
      { frame: 48, state: 'failed', error: expect.stringContaining('48') as string },
    ]);
  });
});

describe('what scripts rely on', () => {
  let id: string;
  beforeAll(async () => {
    const job = await farm.json<JobSummary>(
      'submit',
      'template:title-card',
      '--frames',
      '5-0',
      '--param',
      'title=Shapes',
      '--project',
      'film',
      '--wait',
    );
    ({ id } = job);
  });

  it('job: counts for each state, steps, times', async () => {
    const job = await farm.json<JobSummary>('job', id);
    const counts = { total: 6, waiting: 0, ready: 0, queued: 0, running: 0, done: 6, failed: 0, skipped: 0 };
    expect(job).toMatchObject({ id, project: 'film', labels: {}, state: 'completed', frames: counts });
    expect(job.steps).toMatchObject([
      { name: 'render', engine: 'lottie', state: 'completed', frames: counts },
    ]);
    for (const time of [job.submittedAt, job.finishedAt, job.deliveredAt])
      expect(Date.parse(time!)).not.toBeNaN();
    expect((await farm.json<JobSummary[]>('jobs', '--limit', '1')).map((one) => one.id)).toEqual([id]);
  });

  it('frames: one for each, with its file, filtered as asked', async () => {
    const frames = await farm.json<Frame[]>('frames', id);
    expect(frames.map((frame) => frame.frame)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const frame of frames) {
      expect(frame).toMatchObject({ step: 'render', state: 'done', generation: 1, attempt: 1, error: null });
      expect(frame.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(frame.key).toContain(id);
      expect(frame.bytes).toBeGreaterThan(0);
    }
    const some = await farm.json<Frame[]>('frames', id, '--from', '1', '--limit', '2');
    expect(some.map((frame) => frame.frame)).toEqual([1, 2]);
    expect(await farm.json<Frame[]>('frames', id, '--state', 'failed')).toEqual([]);
  });

  it('download: takes what is missing or damaged, and keeps the rest', async () => {
    const out = join(scratch, 'again');
    await farm.json('download', id, out);
    await rm(join(out, 'render_0002.png'));
    await writeFile(join(out, 'render_0003.png'), 'damaged');
    const { files } = await farm.json<{ files: { frame: number; kept: boolean }[] }>('download', id, out);
    expect(files.filter((file) => !file.kept).map((file) => file.frame)).toEqual([2, 3]);
    expect(files).toHaveLength(6);
    expect((await pixels(join(out, 'render_0003.png'))).width).toBe(1280);
    expect((await readdir(out)).some((name) => name.endsWith('.part'))).toBe(false);
  });

  it('download --follow and logs --follow stay until the job has ended', async () => {
    const job = await farm.json<JobSummary>(
      'submit',
      'template:title-card',
      '--param',
      'title=x',
      '--frames',
      '0-7',
    );
    const [downloaded, logged] = await Promise.all([
      farm.json<{ files: unknown[] }>('download', job.id, join(scratch, 'follow'), '--follow'),
      farm.json<{ outcome: string | null }[]>('logs', job.id, '--follow'),
    ]);
    expect(downloaded.files).toHaveLength(8);
    expect(logged.length).toBeGreaterThan(0);
    expect((await farm.job(job.id)).state).toBe('completed');
  });

  it('Ctrl-C ends the waiting with 130, and the job goes on', async () => {
    const document = join(scratch, 'waited.json');
    const waited = {
      version: 1,
      id: 'waited',
      name: 'w',
      engine: 'null',
      frames: '1-20',
      settings: { frameMs: 300 },
    };
    await writeFile(document, JSON.stringify(waited));
    const child = spawn(process.execPath, [CLI, 'submit', document, '--wait'], {
      env: farm.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    let interrupted = false;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Once: a second Ctrl-C ends the command at once, without a word.
      if (!interrupted && said.includes('running')) interrupted = child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, hint: said.includes('cancel waited') }).toEqual({ code: 130, hint: true });
    expect((await farm.ended('waited')).state).toBe('completed');
  });

  it('logs: every attempt with what its engine printed', async () => {
    const attempts = await farm.json<{ id: string; outcome: string; text: string }[]>('logs', id);
    expect(attempts.length).toBeGreaterThan(0);
    for (const attempt of attempts) expect(attempt.outcome).toBe('completed');
  });

  it('retry: renders the chosen frames once more, as a new generation', async () => {
    expect((await farm.cli(['retry', id, '--frames', '0-1'])).code).toBe(0);
    await farm.ended(id);
    const frames = await farm.json<Frame[]>('frames', id);
    expect(frames.map((frame) => frame.generation)).toEqual([2, 2, 1, 1, 1, 1]);
    expect(frames.every((frame) => frame.state === 'done')).toBe(true);
  });

  it('workers: who is there with which engines', async () => {
    const workers = await farm.workers();
    expect(workers).toHaveLength(1);
    expect(workers[0]).toMatchObject({ slots: 2, pid: farm.pidsOf('worker')[0] });
    expect(workers[0]!.engines.map((engine) => engine.id)).toContain('lottie');
    expect(workers[0]!.lanes.length).toBeGreaterThan(0);
  });

  it('pause, resume and cancel act on a job that runs', async () => {
    const document = join(scratch, 'slow.json');
    const slow = {
      version: 1,
      id: 'slow-1',
      name: 'slow',
      engine: 'null',
      frames: '1-400',
      settings: { frameMs: 200 },
    };
    await writeFile(document, JSON.stringify(slow));
    await farm.json('submit', document);
    expect((await farm.cli(['pause', 'slow-1'])).code).toBe(0);
    expect((await farm.job('slow-1')).state).toBe('paused');
    expect((await farm.cli(['resume', 'slow-1'])).code).toBe(0);
    expect((await farm.cli(['cancel', 'slow-1'])).code).toBe(0);
    expect((await farm.ended('slow-1')).state).toBe('cancelled');
    const again = await farm.cli(['cancel', 'none']);
    expect({ code: again.code, text: again.stderr.includes('none') }).toEqual({ code: 1, text: true });
  });

  it('leaves nothing wrong behind', async () => {
    await farm.expectNoFaults();
  });
});
