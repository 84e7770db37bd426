import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Preview, ResultsPage } from '../../src/shared/contracts/api.ts';
import type { JobManifest } from '../../src/shared/contracts/delivery-api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { findOnPath } from '../../src/shared/programs/find-on-path.ts';
import { need } from '../support/needs.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const run = promisify(execFile);
const povray = need('povray');
const ffmpeg = need('ffmpeg');
const skip = povray.skip || ffmpeg.skip;

let farm: WholeFarm;
let scratch: string;
beforeAll(async () => {
  farm = await WholeFarm.start({ up: ['--slots', '2'] });
  scratch = join(farm.folder, 'scratch');
  await mkdir(scratch);
});
afterAll(() => farm.stop());

/** A ball that moves to the right; some frames cannot be rendered. */
async function ball(name: string, broken: readonly number[] = []): Promise<string> {
  const path = join(scratch, `${name}.pov`);
  const errors = broken.map((n) => `#if (frame_number = ${n}) #error "broken" #end`).join('\n');
  await writeFile(
    path,
    `${errors}
    camera { location <0, 0, -5> look_at 0 }
    light_source { <5, 5, -5> rgb 1 }
    background { rgb <0.1, 0.2, 0.6> }
    sphere { <-2 + 0.1 * frame_number, 0, 0>, 0.7 pigment { rgb <1, 0.8, 0.2> } }`,
  );
  return path;
}

async function probe(path: string): Promise<Record<string, string>> {
  const args = ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', path];
  const { stdout } = await run('ffprobe', args);
  return (JSON.parse(stdout) as { streams: Record<string, string>[] }).streams[0] ?? {};
}

describe.skipIf(skip)(`previews of a job${povray.note}${ffmpeg.note}`, () => {
  let job: JobSummary;
  beforeAll(async () => {
    const document = join(scratch, 'job.json');
    await ball('broken', [4]);
    const step = { engine: 'povray', scene: './broken.pov', frames: '1-12', maxAttempts: 1, chunk: 1 };
    await writeFile(
      document,
      JSON.stringify({ version: 1, name: 'Ball', ...step, output: { width: 96, height: 54 } }),
    );
    const result = await farm.cli(['submit', document, '--wait', '--json']);
    job = JSON.parse(result.stdout) as JobSummary;
    expect(job.frames).toMatchObject({ done: 11, failed: 1 });
  });

  it('are made when somebody asks, with what is missing in its place', async () => {
    const folder = join(scratch, 'previews');
    const { previews } = await farm.json<{ previews: (Preview & { path: string })[] }>(
      ...['preview', job.id, '--download', folder],
    );
    expect(previews.map(({ kind, state, frames }) => ({ kind, state, frames }))).toEqual(
      ['contact-sheet', 'proxy'].map((kind) => ({
        ...{ kind, state: 'ready' },
        frames: { shown: 11, done: 11, total: 12, everyNth: 1 },
      })),
    );
    const sheet = await sharp(join(folder, 'render-contact-sheet.jpg')).metadata();
    expect([sheet.width, sheet.height]).toEqual([6 + 10 * 102, 6 + 2 * 80]);
    const pixel = async (column: number, row: number): Promise<number[]> => [
      ...(await sharp(join(folder, 'render-contact-sheet.jpg'))
        .extract({ left: 6 + column * 102 + 4, top: 6 + row * 80 + 4, width: 1, height: 1 })
        .raw()
        .toBuffer()),
    ];
    const [red = 0, , blue = 0] = await pixel(3, 0);
    expect(red, 'the frame that failed is a red box').toBeGreaterThan(blue * 2);
    const [red1 = 0, , blue1 = 0] = await pixel(1, 1);
    expect(blue1, 'the last frame is its picture').toBeGreaterThan(red1);

    const video = join(folder, 'render-proxy.mp4');
    expect(await probe(video)).toMatchObject({
      ...{ codec_name: 'h264', pix_fmt: 'yuv420p', width: 96, height: 54, nb_read_frames: '12' },
    });
    expect(await colourOf(video, 3), 'a grey picture stands for the frame that failed').toBeLessThan(10);
    expect(await colourOf(video, 4)).toBeGreaterThan(20);
  });

  it('and its files have the checksums of the manifest, whichever way they are taken', async () => {
    const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    const manifest = await farm.json<JobManifest>('manifest', job.id);
    const said = new Map(manifest.files.map((file) => [file.name, file.sha256]));
    expect(said.size).toBe(11);
    const there = async (names: readonly string[], read: (name: string) => Promise<Uint8Array>) =>
      new Map(await Promise.all(names.map(async (name) => [name, sha256(await read(name))] as const)));
    const folder = join(scratch, 'taken');
    await farm.cli(['download', job.id, folder]);
    const read = (from: string) => (name: string) => readFile(join(from, name));
    expect(await there(await readdir(folder), read(folder))).toEqual(said);
    const zip = join(scratch, 'taken.zip');
    await writeFile(zip, Buffer.from(await (await api(`/api/jobs/${job.id}/zip`)).arrayBuffer()));
    await run('python3', ['-m', 'zipfile', '-e', zip, join(scratch, 'unzipped')]);
    const unzipped = join(scratch, 'unzipped');
    expect(await there(await readdir(unzipped), read(unzipped))).toEqual(said);
    // Links lead to the storage itself.
    const { files } = (await (await api(`/api/jobs/${job.id}/results`)).json()) as ResultsPage;
    const links = new Map(files.map(({ name, url }) => [name, url]));
    const fromStore = async (name: string): Promise<Uint8Array> =>
      new Uint8Array(await (await fetch(links.get(name) ?? '')).arrayBuffer());
    expect(await there([...links.keys()], fromStore)).toEqual(said);
  });

  it('are the same objects when nobody rendered anything since', async () => {
    const [first] = (await farm.json<{ previews: Preview[] }>('preview', job.id, '--kind', 'proxy')).previews;
    const [again] = (await farm.json<{ previews: Preview[] }>('preview', job.id, '--kind', 'proxy')).previews;
    expect(again?.madeAt).toBe(first?.madeAt);
    expect(new URL(again?.url ?? '').pathname).toBe(new URL(first?.url ?? '').pathname);
  });

  it('play in a browser', async () => {
    const { previews } = await farm.json<{ previews: Preview[] }>('preview', job.id, '--kind', 'proxy');
    let browser: Browser | undefined;
    try {
      const executablePath = findOnPath('chromium');
      if (executablePath === undefined) throw new Error('There is no chromium on the PATH.');
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
      const page = await browser.newPage();
      await page.setContent('<video muted></video>');
      const seen = await page.evaluate<{ width: number; seconds: number }>(`new Promise((resolve, reject) => {
        const video = document.querySelector('video');
        video.onerror = () => reject(new Error(video.error.message));
        video.onended = () => resolve({ width: video.videoWidth, seconds: video.duration });
        video.src = ${JSON.stringify(previews[0]?.url)};
        video.play().catch(reject);
      })`);
      expect(seen.width).toBe(96);
      expect(seen.seconds).toBeCloseTo(0.5, 1);
    } finally {
      await browser?.close();
    }
  });

  it('are not made of a job that failed, nor of a step that is not there', async () => {
    const encode = await farm.cli(['encode', job.id, '--gaps', 'slate', '--wait', '--json']);
    expect(encode.stderr).toContain('has failed');
    const none = await farm.cli(['preview', job.id, '--step', 'nothing']);
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('its steps with frames: render');
  });
});

describe.skipIf(skip)(`a job that runs${povray.note}${ffmpeg.note}`, () => {
  it('has a video of its frames that waits for them, and a proxy of all of them in the end', async () => {
    const document = join(scratch, 'slow.json');
    await ball('slow');
    const step = { engine: 'povray', scene: './slow.pov', frames: '1-40', chunk: 1 };
    await writeFile(
      document,
      JSON.stringify({
        version: 1,
        name: "It's: slow, 100%",
        labels: { version: 'v012' },
        ...step,
        output: { width: 96, height: 54 },
      }),
    );
    const job = await farm.json<JobSummary>('submit', document);
    const shown = async (): Promise<Preview | undefined> =>
      (await farm.json<{ previews: Preview[] }>('preview', job.id, '--kind', 'proxy')).previews[0];
    const encode = await farm.json<JobSummary>(
      ...['encode', job.id, '--preset', 'h265', '--fps', '12', '--burn-in'],
    );
    expect(encode).toMatchObject({ name: "It's: slow, 100% (h265)", labels: { version: 'v012' } });
    await farm.ended(job.id, 180_000);
    const last = await shown();
    expect(last).toMatchObject({ state: 'ready', frames: { shown: 40, total: 40 } });
    const folder = join(scratch, 'dailies');
    const download = await farm.cli(['download', encode.id, folder, '--follow', '--json']);
    expect(download.code, download.stderr).toBe(0);
    const video = join(folder, 'encode_0000.mp4');
    expect(existsSync(video)).toBe(true);
    const steps = `/api/jobs/${encode.id}/steps`;
    expect(await (await api(`${steps}/encode/proxy`)).json()).toMatchObject({
      ...{ state: 'none', reason: 'The results of this step are mp4, not pictures.', url: null },
    });
    expect((await api(`${steps}/encode/contact-sheet?redirect=true`)).status).toBe(404);
    expect((await api(`${steps}/render/proxy`)).status).toBe(404);
    const straight = await api(`/api/jobs/${job.id}/steps/render/proxy?redirect=true`);
    expect(straight.headers.get('content-type')).toBe('video/mp4');
    const thumbnail = await api(`/api/jobs/${encode.id}/frames/encode/0/thumbnail`);
    const small = await sharp(Buffer.from(await thumbnail.arrayBuffer())).metadata();
    expect(small).toMatchObject({ format: 'webp', width: 96, height: 54 });
    expect(await probe(video)).toMatchObject({
      ...{ codec_name: 'hevc', codec_tag_string: 'hvc1', nb_read_frames: '40', r_frame_rate: '12/1' },
    });
  });

  it('is refused as a source when it is not there', async () => {
    const result = await farm.cli(['encode', 'no-such-job']);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain('no-such-job');
  });
});

const blender = need('blender');
it.skipIf(blender.skip)(`EXR is shown in thumbnails and contact sheets${blender.note}`, async () => {
  const document = join(scratch, 'exr.json');
  await cp(
    join(import.meta.dirname, '../../examples/blender/turntable/turntable.blend'),
    join(scratch, 'turntable.blend'),
  );
  const step = { engine: 'blender', scene: './turntable.blend', frames: '1' };
  const output = { format: 'exr', width: 320, height: 180 };
  await writeFile(document, JSON.stringify({ version: 1, name: 'Light', ...step, output }));
  const submitted = await farm.cli(['submit', document, '--wait', '--json']);
  expect(submitted.code, submitted.stderr).toBe(0);
  const job = JSON.parse(submitted.stdout) as JobSummary;
  // It is made once the frame is done already.
  let bytes = new ArrayBuffer(0);
  await until(
    async () => {
      const thumbnail = await api(`/api/jobs/${job.id}/frames/render/1/thumbnail`);
      bytes = await thumbnail.arrayBuffer();
      return thumbnail.ok;
    },
    'the thumbnail is made',
    60_000,
  );
  const small = sharp(Buffer.from(bytes));
  expect(await small.metadata()).toMatchObject({ format: 'webp', width: 256, height: 144 });
  const { channels } = await small.stats();
  expect(Math.max(...channels.map(({ max }) => max)), 'it is not black').toBeGreaterThan(60);
  const folder = join(scratch, 'exr');
  await farm.json('preview', job.id, '--kind', 'contact-sheet', '--download', folder);
  const sheet = await sharp(join(folder, 'render-contact-sheet.jpg')).metadata();
  expect([sheet.width, sheet.height]).toEqual([6 + 166, 6 + 116]);
});

/** Asks the farm's API as its owner, and follows redirects. */
async function api(path: string): Promise<Response> {
  environment ??= await farm.json<Record<string, string>>('env');
  const { FARMHAND_URL: url = '', FARMHAND_TOKEN: token = '' } = environment;
  const answer = await fetch(new URL(path, url), {
    headers: { authorization: `Bearer ${token}` },
    redirect: 'manual',
  });
  const to = answer.headers.get('location');
  return to === null ? answer : fetch(to);
}
let environment: Record<string, string> | undefined;

/** How much bluer than red the top of a video's picture is. */
async function colourOf(video: string, at: number): Promise<number> {
  const shot = join(scratch, `shot-${at}.png`);
  const select = ['-vf', `select=eq(n\\,${at})`, '-frames:v', '1', '-update', '1'];
  await run('ffmpeg', ['-y', '-v', 'error', '-i', video, ...select, shot]);
  const [red = 0, , blue = 0] = await sharp(shot)
    .extract({ left: 2, top: 2, width: 1, height: 1 })
    .raw()
    .toBuffer();
  return blue - red;
}
