import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderCleanSequences } from '../support/clean-sequences.ts';
import { need } from '../support/needs.ts';
import {
  DAMAGED_FILES,
  DAMAGED_FRAMES,
  damageSequence,
  makeDamagedFiles,
  makeVideo,
} from '../support/quality-corpus.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const here = need('povray', 'blender', 'chromium', 'ffmpeg');

interface Found {
  check: string;
  verdict: string;
  message: string;
  frames?: string;
}
interface Report {
  files: { file: string; verdict: string; findings: Found[] }[];
  sequence: (Found & { frames: string })[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-check-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], FARMHAND_HOME: join(folder, 'home') };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [CLI, 'check', ...args],
      { env, maxBuffer: 64_000_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

async function check(...args: string[]): Promise<Report & { code: number }> {
  const { code, stdout } = await run(...args, '--json');
  return { code, ...(JSON.parse(stdout) as Report) };
}

describe.skipIf(here.skip)(`check${here.note}`, () => {
  it('finds nothing in clean animations, and every damage done to one', async () => {
    const clean = join(folder, 'clean');
    const frames = await renderCleanSequences(clean);
    expect(frames).toBeGreaterThanOrEqual(500);
    const found = await check(clean);
    expect(found.files).toHaveLength(frames);
    expect(found.files.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(found.sequence).toEqual([]);
    expect(found.code).toBe(0);

    const damaged = join(folder, 'damaged');
    await mkdir(damaged);
    const name = (frame: number): string => `shot_${String(frame).padStart(3, '0')}.png`;
    await damageSequence(
      (frame) => join(clean, 'povray', name(frame)),
      (frame) => join(damaged, name(frame)),
      { first: 14, last: 60 },
    );
    const report = await check(damaged);
    expect(report.code).toBe(1);
    const { black, hueShifted, truncated, duplicate, missing } = DAMAGED_FRAMES;
    const bad = report.files.filter(({ verdict }) => verdict !== 'pass');
    expect(bad.map(({ file, findings }) => [basename(file), findings.map((one) => one.check)])).toEqual([
      [name(black), ['blank']],
      [name(truncated), ['unreadable']],
    ]);
    expect(report.sequence.map((one) => [one.check, one.verdict, one.frames])).toEqual([
      ['outlier', 'fail', `${black},${hueShifted}`],
      ['duplicate', 'warn', String(duplicate)],
      ['missing', 'fail', String(missing)],
    ]);
  }, 600_000);

  it('finds what is wrong with each damaged file, and prints it for people', async () => {
    const damaged = join(folder, 'files');
    await makeDamagedFiles(damaged);
    const { code, files } = await check(damaged);
    expect(code).toBe(1);
    expect(files.map(({ file }) => basename(file)).sort()).toEqual((await readdir(damaged)).sort());
    for (const [name, message] of Object.entries(DAMAGED_FILES)) {
      const file = files.find((one) => basename(one.file) === name);
      expect(file?.findings.map((one) => one.message).join(' '), name).toMatch(message);
    }
    const shown = await run(join(damaged, 'huge.png'), join(damaged, 'fireflies.png'));
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(/^fail +\S+huge\.png +unreadable +It claims 60000 × 60000 pixels/m);
    expect(shown.stdout).toMatch(/^2 files: 1 fail, 1 warn\.$/m);
  });

  it('takes a policy, and says what is wrong with one', async () => {
    const [black, policy] = [join(folder, 'files/black.png'), join(folder, 'policy.yaml')];
    await writeFile(policy, 'checks:\n  blank: { verdict: warn }\n');
    expect(await check(black, '--policy', policy)).toMatchObject({ code: 0, files: [{ verdict: 'warn' }] });
    await writeFile(policy, 'checks:\n  blanc: { verdict: warn }\n');
    const { code, stderr } = await run(black, '--policy', policy);
    expect(code).toBe(2);
    expect(stderr).toMatch(/policy\.yaml is not valid.*blanc/);
    expect(await run(join(folder, 'none'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/none cannot be read/) as string,
    });
  });

  it('decodes videos, counts their frames, and hears silence', async () => {
    const videos = join(folder, 'videos');
    await mkdir(videos);
    const moving = 'testsrc2=size=160x90:rate=25:duration=2';
    const sound = (source: string): string[] => ['-f', 'lavfi', '-i', source, '-shortest'];
    await makeVideo(join(videos, 'a.mp4'), moving, sound('sine=frequency=440'));
    await makeVideo(join(videos, 'b.webm'), moving);
    await makeVideo(join(videos, 'silent.mp4'), moving, sound('anullsrc'));
    await makeVideo(join(videos, 'still.mkv'), 'color=gray:size=160x90:rate=25:duration=3');
    const black = "drawbox=enable='between(t,2,9)':color=black:t=fill";
    await makeVideo(join(videos, 'gap.mp4'), `testsrc=size=160x90:rate=25:duration=10,${black}`);
    const { files } = await check(videos);
    expect(files.map(({ file, findings }) => [basename(file), findings.map((one) => one.check)])).toEqual([
      ['a.mp4', []],
      ['b.webm', []],
      ['gap.mp4', ['video-black-stretch']],
      ['silent.mp4', ['audio-silence']],
      ['still.mkv', ['video-freeze']],
    ]);
  });
});
