import { jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Batch, BatchSubmission } from '../../src/shared/contracts/batch.ts';
import type { JobsPage, Problem } from '../../src/shared/contracts/api.ts';
import { batchWhen, storeRows, storeTemplate } from '../support/batches.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { STREAMS } from '../../src/shared/messaging/streams.ts';
import { control } from '../support/control.ts';
import { jobWhen } from '../support/jobs.ts';
import { stepsWithWrongCounts } from '../support/wrong-counts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let farm: CoordinatorFarm;
let gateway: TestGateway;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context);
  await storeTemplate(farm.context);
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await farm.dispose();
});

const rowsOf = (count: number): { title: string; count: number }[] =>
  Array.from({ length: count }, (_, i) => ({ title: `Title ${i + 1}`, count: i + 1 }));

async function send(document: Record<string, unknown>, status = 201): Promise<Batch> {
  const body = { version: 1, name: 'Cards', template: 'card', ...document };
  return (await gateway.post<{ batch: Batch }>('/api/batches', status, body)).batch;
}

async function jobsOf(
  id: string,
): Promise<{ id: string; name: string; document: { data?: unknown; scene?: string | undefined } }[]> {
  const { ledger } = farm.context;
  const rows = await ledger.selectFrom('jobs').select(['id', 'name', 'document', 'labels']).execute();
  return rows
    .filter(({ labels }) => labels['batch'] === id)
    .sort((a, b) => Number(a.labels['row']) - Number(b.labels['row']));
}

describe('a batch', () => {
  it('renders 500 rows as 500 jobs, each with the data of its own row', async () => {
    const rendered = new Map<string, unknown>();
    const worker = await farm.work({
      engines: ['lottie'],
      slots: 4,
      handle: async (task) => {
        const { jobId, data } = task.task as { jobId: string; data?: Record<string, unknown> };
        rendered.set(jobId, data?.['headline']);
        await task.started();
        await task.complete();
      },
    });
    const rows = await storeRows(farm.context, rowsOf(500));
    const { id } = await send({ rows, namePattern: '{title} of {row:04}', priority: 60 });
    const ended = await batchWhen(gateway, id, (batch) => batch.ended, 150_000);
    expect(ended).toMatchObject({
      state: 'expanded',
      template: 'card@1',
      error: null,
      rows: { total: 500, accepted: 500, refused: 0 },
      jobs: { completed: 500 },
      refused: [],
    });
    const jobs = await jobsOf(id);
    expect(jobs.map((job) => job.id)).toEqual(rowsOf(500).map((_, i) => `${id}-${i + 1}`));
    expect(jobs[6]?.name).toBe('Title 7 of 0007');
    for (let row = 1; row <= 500; row++) expect(rendered.get(`${id}-${row}`)).toBe(`Title ${row}`);
    const csv = await (await gateway.fetch(`/api/batches/${id}/results.csv`)).text();
    const lines = csv.trimEnd().split('\r\n');
    expect(lines).toHaveLength(501);
    expect(lines.slice(0, 2)).toEqual([
      'row,name,state,job,files,error',
      `1,Title 1 of 0001,completed,${id}-1,2,`,
    ]);
    expect(lines.at(-1)).toBe(`500,Title 500 of 0500,completed,${id}-500,2,`);
    const page = await gateway.json<JobsPage>(`/api/jobs?batch=${id}&limit=500`);
    expect(page.jobs).toHaveLength(500);
    await worker.stop();
  }, 180_000);

  it('names bad rows by line, with pointers, and goes on with the good ones', async () => {
    const text = [
      JSON.stringify({ title: 'Good', $line: 2 }),
      JSON.stringify({ title: '', count: -1, other: true, $line: 5 }),
      '',
      '{"title": "cut',
      '[1]',
      JSON.stringify({ $problem: 'line 9 has 3 cells instead of 2', $line: 9 }),
      JSON.stringify({ title: 'x'.repeat(300_000) }),
      JSON.stringify({ title: 'Last' }),
    ].join('\r\n');
    const { id } = await send({ rows: await storeRows(farm.context, `\uFEFF${text}`) });
    const batch = await batchWhen(gateway, id, ({ state }) => state === 'expanded');
    expect(batch.rows).toEqual({ total: 7, accepted: 2, refused: 5 });
    expect(batch.refused.map(({ row, line }) => [row, line])).toEqual([
      [2, 5],
      [3, 4],
      [4, 5],
      [5, 9],
      [6, 7],
    ]);
    expect(batch.refused[0]?.errors.map((error) => error.path).sort()).toEqual([
      '/count',
      '/other',
      '/title',
    ]);
    expect(batch.refused[3]?.errors[0]?.value).toBe('line 9 has 3 cells instead of 2');
    expect((await jobsOf(id)).map((job) => job.id)).toEqual([`${id}-1`, `${id}-7`]);
    const csv = await (await gateway.fetch(`/api/batches/${id}/results.csv`)).text();
    const states = csv
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(',')[2]);
    expect(states.flatMap((state, row) => (state === 'refused' ? [row] : []))).toEqual([2, 3, 4, 5, 6]);
    expect(states).toHaveLength(8);
    expect(csv).toContain('line 5: ');
  });

  it('with `strict` takes no row when one is bad, and all when none is', async () => {
    const bad = await storeRows(farm.context, [...rowsOf(150), { title: '' }, ...rowsOf(20)]);
    const { id, state } = await send({ rows: bad, strict: true });
    expect(state).toBe('checking');
    const refused = await batchWhen(gateway, id, (batch) => batch.ended);
    expect(refused).toMatchObject({
      state: 'refused',
      rows: { total: 171, accepted: 0, refused: 1 },
      jobs: {},
    });
    expect(refused.error).toContain('1 of 171 rows are bad');
    expect(refused.refused.map(({ row }) => row)).toEqual([151]);
    expect(await jobsOf(id)).toEqual([]);

    const good = await send({ rows: await storeRows(farm.context, rowsOf(150)), strict: true });
    const taken = await batchWhen(gateway, good.id, (batch) => batch.state === 'expanded');
    expect(taken.rows).toEqual({ total: 150, accepted: 150, refused: 0 });
    expect(await jobsOf(good.id)).toHaveLength(150);
  });

  it('keeps what looks like code as text, in names as in data', async () => {
    const titles = [
      "=cmd|'/C calc'!A0",
      '$(reboot)`id`',
      '"); process.exit(1); //',
      '../../etc/passwd',
      '#declare X = 1; "',
      '__import__("os")',
      'con',
      '…\u202egnp.exe',
    ];
    const rows = await storeRows(
      farm.context,
      titles.map((title) => ({ title })),
    );
    const { id } = await send({ rows, namePattern: '{title}' });
    await batchWhen(gateway, id, (batch) => batch.rows.accepted === titles.length);
    const jobs = await jobsOf(id);
    expect(jobs.map((job) => job.document.data)).toEqual(titles.map((title) => ({ title })));
    for (const { name } of jobs) expect(name).not.toMatch(/[/\\:*?"<>|\u202e]|^\.|^con$/);
    const csv = await (await gateway.fetch(`/api/batches/${id}/results.csv`)).text();
    for (const line of csv.split('\r\n')) expect(line).not.toMatch(/(^|,)"?[=+@]/);
  });

  it('sent again is the same batch, and another one with its key is refused', async () => {
    const rows = await storeRows(farm.context, rowsOf(3));
    const first = await send({ rows, idempotencyKey: 'monday' });
    const again = await gateway.post<BatchSubmission>('/api/batches', 200, {
      version: 1,
      name: 'Cards',
      template: 'card',
      rows,
      idempotencyKey: 'monday',
    });
    expect(again).toMatchObject({ existing: true, batch: { id: first.id } });
    const other = { version: 1, name: 'Other', template: 'card', rows, idempotencyKey: 'monday' };
    const problem = await gateway.post<Problem>('/api/batches', 409, other);
    expect(problem.detail).toContain(first.id);
    await batchWhen(gateway, first.id, (batch) => batch.rows.accepted === 3);
    expect(await jobsOf(first.id)).toHaveLength(3);
  });

  it('says everything that is wrong with it at once, before any row is read', async () => {
    const problem = await gateway.post<Problem>('/api/batches', 400, {
      version: 1,
      name: 'Cards',
      template: 'card',
      rows: `asset:${'0'.repeat(64)}/rows.jsonl`,
      frames: '10-',
      namePattern: '{$line}',
      output: { format: 'nonsense' },
    });
    expect(problem.errors?.map((issue) => issue.path).sort()).toEqual([
      'frames',
      'namePattern',
      'output.format',
      'rows',
    ]);
    const none = await gateway.post<Problem>('/api/batches', 400, {
      version: 1,
      name: 'Cards',
      template: 'cards',
      rows: await storeRows(farm.context, rowsOf(1)),
    });
    expect(none.errors?.map((issue) => issue.path)).toEqual(['template']);
  });

  it('without rows is refused', async () => {
    const { id } = await send({ rows: await storeRows(farm.context, '\n\n') });
    const batch = await batchWhen(gateway, id, ({ ended }) => ended);
    expect(batch).toMatchObject({ state: 'refused', error: 'The file holds no rows.' });
  });

  it('keeps one version of its template for all rows', async () => {
    const rows = await storeRows(farm.context, rowsOf(200));
    const { id } = await send({ rows });
    await storeTemplate(farm.context, { version: 2, frames: '0-9' });
    await batchWhen(gateway, id, (batch) => batch.state === 'expanded');
    const scenes = (await jobsOf(id)).map((job) => job.document.scene);
    expect(new Set(scenes)).toEqual(new Set(['template:card@1']));
    expect((await send({ rows })).template).toBe('card@2');
  });

  it('that is cancelled takes no more rows and cancels the jobs that it made', async () => {
    const { id } = await send({ rows: await storeRows(farm.context, rowsOf(8_000)) });
    await batchWhen(gateway, id, (batch) => batch.rows.accepted > 0);
    await gateway.post(`/api/batches/${id}/cancel`, 200, {});
    const batch = await batchWhen(gateway, id, ({ state, ended }) => state === 'cancelled' && ended, 60_000);
    const made = (await jobsOf(id)).length;
    expect(made).toBeLessThan(8_000);
    expect(batch.jobs).toEqual({ cancelled: made });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await jobsOf(id)).toHaveLength(made);
  }, 90_000);

  it('whose jobs all wait is cancelled many at a time, and each of them can go on', async () => {
    const { context } = farm;
    const manager = await jetstreamManager(await context.connectAs('operator'));
    const messages = async (): Promise<number> => {
      const { state } = await manager.streams.info(STREAMS.jobs.name, { subjects_filter: 'jobs.control.>' });
      return Object.keys(state.subjects ?? {}).length;
    };
    const before = await messages();
    const { id } = await send({ template: 'card@1', rows: await storeRows(context, rowsOf(1_000)) });
    await batchWhen(gateway, id, ({ state }) => state === 'expanded');
    await gateway.post(`/api/batches/${id}/cancel`, 200, {});
    const batch = await batchWhen(gateway, id, ({ state }) => state === 'cancelled', 60_000);
    expect(batch.jobs).toEqual({ cancelled: 1_000 });
    expect(await messages()).toBe(before);
    const { rows: events } = await sql<{ jobs: number; message: string }>`
      SELECT count(*)::int AS jobs, e.message FROM job_events e JOIN jobs j ON j.id = e.job_id
      WHERE j.labels->>'batch' = ${id} AND e.kind = 'cancel' GROUP BY e.message`.execute(context.ledger);
    expect(events).toEqual([{ jobs: 1_000, message: 'Cancelled 2 frames that have not begun.' }]);
    expect(await stepsWithWrongCounts(context.ledger)).toEqual([]);
    await control(context, `${id}-7`, { verb: 'resume' });
    expect(await jobWhen(context, `${id}-7`, 'queued')).toMatchObject({ frames: { ready: 2, cancelled: 0 } });
  }, 90_000);

  it('loses and doubles no row when coordinators end and begin in the middle', async () => {
    const rows = await storeRows(farm.context, rowsOf(2_000));
    const { id } = await send({ rows });
    for (let turn = 0; turn < 3; turn++) {
      const before = (await gateway.json<Batch>(`/api/batches/${id}`)).rows.accepted;
      const second = await startTestCoordinator(farm.context);
      await batchWhen(gateway, id, (batch) => batch.rows.accepted > before || batch.state === 'expanded');
      await farm.coordinator.stop();
      farm.coordinator = second;
    }
    const batch = await batchWhen(gateway, id, ({ state }) => state === 'expanded', 60_000);
    expect(batch.rows).toEqual({ total: 2_000, accepted: 2_000, refused: 0 });
    const jobs = await jobsOf(id);
    expect(jobs.map((job) => job.document.data)).toEqual(rowsOf(2_000));

    // One that died after it had made jobs, and before it could say so.
    await farm.context.ledger
      .updateTable('batches')
      .set({ state: 'expanding', position: '0', lines: 0, rows_read: 0, accepted: 0, lease: 'dead' })
      .where('id', '=', id)
      .execute();
    const once = await batchWhen(gateway, id, ({ state }) => state === 'expanded', 60_000);
    expect(once.rows).toEqual({ total: 2_000, accepted: 2_000, refused: 0 });
    expect(await jobsOf(id)).toHaveLength(2_000);
  }, 150_000);
});
