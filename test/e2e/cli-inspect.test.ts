import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SceneReport } from '../../src/shared/contracts/inspect-api.ts';
import { makeZip } from '../support/make-zip.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const BLENDS = join(import.meta.dirname, '../fixtures/blend');
const EXAMPLES = join(import.meta.dirname, '../../examples');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-inspect-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Without a farm: a scene is inspected where it lies. */
function inspect(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], FARMHAND_HOME: join(folder, 'home') };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, 'inspect', ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

it('says in a few lines what a scene has and needs, and ends with 1 where something is missing', async () => {
  const { code, stdout } = await inspect(join(BLENDS, 'details.blend'));
  expect(code).toBe(1);
  expect(stdout).toMatch(/^details\.blend: a scene for blender, made with 3\.4$/m);
  expect(stdout).toMatch(/^ {2}frames +1-250 at 24 fps$/m);
  expect(stdout).toMatch(/^ {2}cameras +Close, Wide$/m);
  expect(stdout).toMatch(/^ {2}data +Title \(text\)$/m);
  expect(stdout).toMatch(/^ {2}missing +points\.mdd \(named in details\.blend\)$/m);
  expect(stdout).toMatch(/^ {2}warning .*startup\.py/m);
});

it('tells programs all of it, of a folder and of a zip', async () => {
  const page = await inspect(join(EXAMPLES, 'html/bar-chart'), '--json');
  expect(page.code).toBe(0);
  const report = JSON.parse(page.stdout) as SceneReport;
  expect(report).toMatchObject({ engine: 'html', scene: 'index.html', frames: '0-89', missing: [] });
  expect(report.slots.map((slot) => slot.name).sort()).toEqual(['csv', 'note', 'title']);
  const zip = join(folder, 'orrery.zip');
  const names = ['orrery.ini', 'orrery.pov', 'bodies.inc'];
  const entries = names.map(
    async (name) => [name, await readFile(join(EXAMPLES, 'povray/orrery', name))] as const,
  );
  await writeFile(zip, makeZip((await Promise.all(entries)).map(([name, content]) => ({ name, content }))));
  const packed = await inspect(zip, '--json');
  expect(JSON.parse(packed.stdout)).toMatchObject({ engine: 'povray', scene: 'orrery.ini', frames: '1-20' });
});

it('says what cannot be inspected', async () => {
  expect(await inspect(join(folder, 'gone.blend'))).toMatchObject({ code: 2 });
  const job = await inspect(join(EXAMPLES, 'jobs/wave.json'));
  expect(job.code).toBe(2);
  expect(job.stderr).toContain('is a document, not a scene');
});
