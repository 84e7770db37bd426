import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import { installedProgram } from '../../src/shared/programs/installed-engines.ts';
import { findOnPath } from '../../src/shared/programs/find-on-path.ts';
import { processesOf } from '../support/processes.ts';
import { need } from '../support/needs.ts';
import { run, type CommandResult } from '../support/whole-farm.ts';

interface DemoReport {
  dashboard: string;
  jobs: {
    id: string;
    name: string;
    engine: string;
    frames: number;
    done: number;
    failed: number;
    seconds: number;
    files: string[];
  }[];
  skipped: { name: string; missing: string[] }[];
}

/** What the video is made of: pictures of one step. Others may have been laid over them. */
function framesOf(files: readonly string[]): number {
  const steps = files
    .filter((file) => file.endsWith('.png'))
    .map((file) => basename(file).replace(/_\d+\.png$/, ''));
  return Math.max(...steps.map((step) => steps.filter((other) => other === step).length));
}

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');

describe('demo', () => {
  let folder: string;
  let result: CommandResult;
  let report: DemoReport;
  const home = (): string => join(folder, 'home');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farmhand-demo-test-'));
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], FARMHAND_HOME: home() };
    const cache = { FARMHAND_CACHE: cacheFolder() };
    const command = [process.execPath, CLI, 'demo', '--json', '--output', join(folder, 'out')];
    result = await run(command, { ...env, ...cache });
    report = JSON.parse(result.stdout) as DemoReport;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('renders every example whose engine is here, and exits 0', () => {
    expect(result).toMatchObject({ code: 0 });
    expect(report.dashboard).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=\w+$/);
    for (const job of report.jobs) {
      expect(job).toMatchObject({ done: job.frames, failed: 0 });
      expect(job.frames).toBeGreaterThan(0);
      expect(job.seconds).toBeGreaterThan(0);
      expect(job.files).toHaveLength(job.frames);
    }
    expect(report.jobs.filter((job) => job.engine === 'lottie').length).toBeGreaterThan(0);
  });

  for (const engine of ['povray', 'blender']) {
    const { skip, note } = need(engine);
    it.skipIf(skip)(`has an example for ${engine}${note}`, () => {
      expect(report.jobs.map((job) => job.engine)).toContain(engine);
    });
  }

  it('takes frames home that decode', async () => {
    const pictures = report.jobs.flatMap((job) => job.files.filter((file) => file.endsWith('.png')));
    expect(pictures.length).toBeGreaterThanOrEqual(24);
    for (const picture of pictures) {
      const { width, height } = (await sharp(picture).raw().toBuffer({ resolveWithObject: true })).info;
      expect(width * height).toBeGreaterThan(0);
    }
  });

  it('takes a video home of each, that plays from the first frame to the last', async () => {
    const ffmpeg = findOnPath('ffmpeg') ?? installedProgram('ffmpeg', cacheFolder());
    for (const job of report.jobs) {
      const [video, ...others] = job.files.filter((file) => file.endsWith('.mp4'));
      expect(others).toEqual([]);
      expect((await stat(video!)).size).toBeGreaterThan(1_000);
      const decode = ['-v', 'error', '-xerror', '-i', video!, '-f', 'null', '-progress', 'pipe:1', '-'];
      const { stdout, stderr } = await promisify(execFile)(ffmpeg, decode);
      expect(stderr).toBe('');
      expect(Number(/frame=(\d+)(?![\s\S]*frame=)/.exec(stdout)?.[1])).toBe(framesOf(job.files));
    }
  });

  it('stops the farm that it started', () => {
    expect(processesOf('FARMHAND_HOME', home())).toEqual([]);
  });
});
