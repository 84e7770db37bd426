import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FrameQualityPage, JobQuality } from '../../src/shared/contracts/quality-api.ts';
import { engineCatalogue } from '../../src/shared/engines/engine-catalogue.ts';
import { startTestCoordinator, type TestCoordinator } from '../support/coordinator.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** A renderer that draws a band which moves, and draws frame 4 black the first time that anybody asks for it. */
const RENDERER = `#!${process.execPath}
const { existsSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { crc32, deflateSync } = require('node:zlib');
const [out, number] = process.argv.slice(2);
if (out === '--version') { console.log('blink 1.0.0'); process.exit(0); }
const marker = join(__dirname, 'blinked');
const black = number === '4' && !existsSync(marker);
if (black) writeFileSync(marker, '');
const width = 64, height = 36, rows = [];
for (let y = 0; y < height; y++) {
  const row = Buffer.alloc(1 + width * 3);
  if (!black) for (let x = 0; x < width; x++) row.set([60 + x, 90 + y, (x - number * 3) % 64 < 8 ? 250 : 40], 1 + x * 3);
  rows.push(row);
}
const chunk = (type, data) => {
  const body = Buffer.concat([Buffer.from(type), data]), head = Buffer.alloc(4), tail = Buffer.alloc(4);
  head.writeUInt32BE(data.length); tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
};
const size = Buffer.alloc(13);
size.writeUInt32BE(width, 0); size.writeUInt32BE(height, 4); size.set([8, 2, 0, 0, 0], 8);
const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
writeFileSync(out, Buffer.concat([signature, chunk('IHDR', size), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))]));
`;
const DEFINITION = `id: blink
label: Blink
status: run-here
scene: none
work: range
formats: [png]
find: { names: [farmhand-test-blink] }
version: { args: [--version], regex: 'blink (\\S+)' }
args: ['{out}', '{frame}']
outputs: [{ file: 'f_{frame:04}.{format}' }]
`;

/** The real parts: coordinator, gateway, and two workers that render with a program. */
describe('an engine that writes one black frame once', () => {
  let context: TestContext;
  let coordinator: TestCoordinator;
  let gateway: TestGateway;
  let workers: WorkerProcess[];
  beforeAll(async () => {
    context = await createTestContext();
    coordinator = await startTestCoordinator(context);
    gateway = await startTestGateway(context);
    const programs = join(context.folder, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'farmhand-test-blink'), RENDERER);
    chmodSync(join(programs, 'farmhand-test-blink'), 0o755);
    workers = ['left', 'right'].map(
      (id) =>
        new WorkerProcess(context, {
          FARMHAND_WORKER_ID: id,
          FARMHAND_WORKER_DIR: join(context.folder, id),
          FARMHAND_WORKER_SLOTS: '1',
          FARMHAND_ENGINES: 'blink',
          PATH: `${programs}:${process.env['PATH'] ?? ''}`,
        }),
    );
    const text = JSON.stringify({ text: DEFINITION });
    await gateway.json('/api/engines/blink', 200, { method: 'PUT', body: text });
    await until(
      'both workers have it',
      async () => {
        const { engines } = await gateway.json<{ engines: { id: string; workers: number }[] }>(
          '/api/engines',
        );
        return engines.find(({ id }) => id === 'blink')?.workers === 2;
      },
      60_000,
    );
  }, 120_000);
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await gateway.stop();
    await coordinator.stop();
    await context.dispose();
    engineCatalogue().remove('blink');
  });

  it('has it held back, rendered again by the other worker and delivered, with the history readable', async () => {
    await submit(context, { version: 1, id: 'j', name: 'x', engine: 'blink', frames: '1-8', chunk: 1 });
    const job = await jobWhen(context, 'j', 'completed', 120_000);
    expect(job.frames).toMatchObject({ done: 8, failed: 0, held: 0 });
    expect(job.deliveredAt).not.toBeNull();
    const page = await gateway.json<FrameQualityPage>('/api/jobs/j/frames/render/4/quality');
    expect(page).toMatchObject({ state: 'done', generation: 2, verdict: 'pass', findings: [] });
    expect(page.attempts).toMatchObject([
      { generation: 1, verdict: 'fail', decision: 'rendered-again', by: 'farmhand' },
    ]);
    expect(page.attempts[0]?.findings.map(({ check }) => check)).toEqual(['blank']);
    expect(page.attempts[0]?.pixels).not.toBe(page.measures?.pixels);
    const frames = await context.ledger
      .selectFrom('frames')
      .select(['number', 'worker', 'generation'])
      .execute();
    const again = frames.find(({ number }) => number === 4);
    expect(new Set([page.attempts[0]?.worker, again?.worker])).toEqual(new Set(['left', 'right']));
    expect(frames.filter(({ generation }) => generation > 1)).toHaveLength(1);
    const quality = await gateway.json<JobQuality>('/api/jobs/j/quality');
    expect(quality).toMatchObject({ findings: [], decisions: null, disagreements: [] });
    expect(quality.steps[0]?.verdicts).toMatchObject({ pass: 8 });
  }, 180_000);
});
