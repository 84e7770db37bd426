import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Frame, ResultsPage } from '../../src/shared/contracts/api.ts';
import type { JobDetails } from '../../src/shared/contracts/job-details.ts';
import { until } from '../support/until.ts';
import { WholeFarm } from '../support/whole-farm.ts';

const SCENE = join(import.meta.dirname, '../../examples/lottie/wave.json');

let farm: WholeFarm;

beforeAll(async () => {
  farm = await WholeFarm.start({ up: ['--workers', '1', '--slots', '2'] });
}, 300_000);
afterAll(() => farm.stop());

async function render(): Promise<string> {
  const { code, stdout, stderr } = await farm.cli(['submit', SCENE, '--frames', '0-3', '--wait', '--json']);
  if (code !== 0) throw new Error(`submit ended with ${code}: ${stderr}`);
  return (JSON.parse(stdout) as { id: string }).id;
}

/** A link to the first result, and what is there. */
async function linkOf(id: string): Promise<string> {
  const { stdout } = await farm.cli(['env']);
  const [, url] = /FARMHAND_URL='?([^'\s;]+)/.exec(stdout) ?? [];
  const [, token] = /FARMHAND_TOKEN='?([^'\s;]+)/.exec(stdout) ?? [];
  const response = await fetch(`${url ?? ''}/api/jobs/${id}/results`, {
    headers: { authorization: `Bearer ${token ?? ''}` },
  });
  const { files } = (await response.json()) as ResultsPage;
  return files[0]?.url ?? '';
}

it('a rendered job is deleted with its pictures, and its scene renders again', async () => {
  const id = await render();
  const other = await render();
  const link = await linkOf(id);
  expect((await fetch(link)).status).toBe(200);
  await until(
    async () => (await farm.json<JobDetails>('job', id)).storage !== undefined,
    'what the job takes has been counted',
    60_000,
  );
  const { storage } = await farm.json<JobDetails>('job', id);
  const frames = await farm.json<Frame[]>('frames', id);
  expect(storage).toEqual({ files: 4, bytes: frames.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) });

  expect((await farm.cli(['delete', id, '--now'])).code).toBe(0);
  await until(async () => (await fetch(link)).status === 404, 'the picture is gone', 120_000);
  await until(async () => (await farm.cli(['job', id])).code === 1, 'the job is gone', 60_000);
  expect((await farm.cli(['job', id])).stderr).toContain('was deleted');

  expect((await fetch(await linkOf(other))).status).toBe(200);
  expect((await farm.job(await render())).state).toBe('completed');
  await farm.expectNoFaults();
}, 400_000);
