import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import { htmlEngine } from '../../src/worker/engines/html/engine.ts';
import { storeFiles } from '../support/assets.ts';
import { startTestCoordinator, type TestCoordinator } from '../support/coordinator.ts';
import { engineHere } from '../support/engine-needs.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { jobWhen, submit } from '../support/jobs.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const SITES = ['north', 'south'] as const;
const EXAMPLES = join(import.meta.dirname, '../../examples');
const chromium = await engineHere(htmlEngine, 'chromium');

/** Moves by CSS and by script, and asks for the time, for chance and for what it did before. */
const PAGE = `<!doctype html><meta name="farmhand" content="frames=0-59 fps=10">
<style>body { margin: 0; font: 12px sans-serif } b { position: absolute; animation: go 6s linear infinite; width: 9px; height: 9px; background: red }
@keyframes go { to { transform: translateX(150px) } }</style><b></b><p></p><script>
let count = Number(localStorage.getItem('count') ?? 0);
requestAnimationFrame(function draw(now) {
  localStorage.setItem('count', ++count);
  document.querySelector('p').textContent = [__DATA__.title, count, now, Date.now(), Math.random()].join(' ');
  requestAnimationFrame(draw);
});</script>`;

let context: TestContext;
let coordinator: TestCoordinator;
let workers: WorkerProcess[];

beforeAll(async () => {
  context = await createTestContext();
  coordinator = await startTestCoordinator(context);
  workers = SITES.map(
    (site) =>
      new WorkerProcess(context, {
        FARMHAND_WORKER_ID: site,
        FARMHAND_WORKER_SITE: site,
        FARMHAND_WORKER_DIR: join(context.folder, site),
        FARMHAND_ENGINES: 'lottie,html',
        FARMHAND_CACHE: cacheFolder(),
      }),
  );
}, 120_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.end()));
  await coordinator.stop();
  await context.dispose();
});

/** Renders on the one worker of a site. @returns frame → SHA-256 of its file */
async function renderAt(site: string, document: Record<string, unknown>): Promise<Map<number, string>> {
  const reply = await submit(context, { version: 1, name: site, requires: { site }, ...document });
  if (!('id' in reply)) throw new Error(reply.message);
  await jobWhen(context, reply.id, 'completed', 120_000);
  const frames = await context.ledger
    .selectFrom('frames')
    .innerJoin('steps', 'steps.key', 'frames.step_key')
    .select(['frames.number', 'frames.worker', 'frames.sha256'])
    .where('steps.job_id', '=', reply.id)
    .orderBy('frames.number')
    .execute();
  expect(new Set(frames.map(({ worker }) => worker))).toEqual(new Set([site]));
  return new Map(frames.map(({ number, sha256 }) => [number, sha256?.toString('hex') ?? '']));
}

async function expectSameBytes(document: Record<string, unknown>): Promise<void> {
  // Not the same chunks: what came before a frame on its worker is not the same either.
  const [north, south] = await Promise.all([
    renderAt('north', { ...document, chunk: 12 }),
    renderAt('south', { ...document, chunk: 5 }),
  ]);
  expect(north.size).toBe(24);
  expect([...north.values()].every((sha256) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
  expect(new Set(north.values()).size).toBe(24);
  expect(south).toEqual(north);
}

describe('two workers give the same bytes', () => {
  it('for the frames of a Lottie animation', async () => {
    const card = join(EXAMPLES, 'templates/title-card');
    const asset = await storeFiles(context, {
      'card.json': await readFile(join(card, 'title-card.json')),
      'fonts/Inter-Bold.ttf': await readFile(join(card, 'fonts/Inter-Bold.ttf')),
    });
    await expectSameBytes({
      ...{ engine: 'lottie', scene: `asset:${asset}/card.json`, frames: '6-29' },
      output: { format: 'png', width: 320, height: 180 },
    });
  }, 180_000);

  it.skipIf(chromium.skip)(
    `for the frames of a page${chromium.note}`,
    async () => {
      const asset = await storeFiles(context, { 'page.html': PAGE });
      await expectSameBytes({
        ...{ engine: 'html', scene: `asset:${asset}/page.html`, frames: '0-23' },
        output: { format: 'png', width: 320, height: 180, fps: 10 },
      });
    },
    180_000,
  );
});
