import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { runStatement } from '../../src/local/servers/postgres.ts';
import { unpackFrames } from '../../src/shared/contracts/frame-runs.ts';
import type { FramesPage, History, Problem } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/** The gateway beside a real coordinator. */
let farm: CoordinatorFarm;
let gateway: TestGateway;

beforeAll(async () => {
  farm = await createCoordinatorFarm();
  gateway = await startTestGateway(farm.context);
});
afterAll(async () => {
  await gateway.stop();
  await farm.dispose();
});

const document = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  version: 1,
  name: 'n',
  engine: 'null',
  frames: '1-20',
  ...change,
});
const state = async (id: string): Promise<string> =>
  (await gateway.json<JobSummary>(`/api/jobs/${id}`)).state;

describe('with a coordinator', () => {
  it('takes a job once, whoever sends it how often', async () => {
    const first = await gateway.post('/api/jobs', 201, document({ id: 'once' }));
    expect(first).toMatchObject({ id: 'once', existing: false, job: { frames: { total: 20 } } });
    expect(await gateway.post('/api/jobs', 200, document({ id: 'once' }))).toMatchObject({ existing: true });
    const conflict = await gateway.post<Problem>('/api/jobs', 409, document({ id: 'once', frames: '1-21' }));
    expect(conflict.code).toBe('conflict');
  });

  it('says everything that is wrong with a document', async () => {
    const problem = await gateway.post<Problem>(
      '/api/jobs',
      400,
      document({ frames: '1-', engine: 'x', id: 'a.b' }),
    );
    expect(problem.errors?.map((issue) => issue.path)).toContain('id');
  });

  it('controls jobs, and the history says who did', async () => {
    await gateway.post('/api/jobs', 201, document({ id: 'steered' }));
    expect(await gateway.post('/api/jobs/steered/pause', 200)).toMatchObject({ ok: true });
    expect(await state('steered')).toBe('paused');
    expect(await gateway.post('/api/jobs/steered/resume', 200)).toMatchObject({ ok: true });
    expect(await gateway.post('/api/jobs/steered/priority', 200, { priority: 99 })).toMatchObject({
      ok: true,
    });
    expect(await gateway.json('/api/jobs/steered')).toMatchObject({ priority: 99 });
    expect(await gateway.post('/api/jobs/steered/cancel', 200)).toMatchObject({ ok: true });
    expect(await state('steered')).toBe('cancelled');
    const { events } = await gateway.json<History>('/api/jobs/steered/history');
    expect(events.filter((event) => event.actor === 'api').length).toBeGreaterThanOrEqual(4);
  });

  it('shows a job live from the first frame to the last', async () => {
    const worker = await farm.work();
    const socket = await gateway.connect();
    const states = new Map<number, string>();
    let last: JobSummary | undefined;
    socket.on('patches', (patches) => {
      for (const patch of patches) {
        for (const frame of unpackFrames(patch.frames ?? [])) states.set(frame.number, frame.state);
        last = patch.job ?? last;
      }
      socket.emit('applied');
    });
    await gateway.post(
      '/api/jobs',
      201,
      document({ id: 'live', notBefore: new Date(Date.now() + 500).toISOString() }),
    );
    await new Promise((resolve) => socket.emit('join', { room: 'job:live' }, resolve));
    await vi.waitFor(() => expect(last?.state).toBe('completed'), { timeout: 20_000, interval: 100 });
    expect(last?.frames.done).toBe(20);
    await vi.waitFor(() => expect([...states.values()]).toEqual(new Array(20).fill('done')));
    const { frames } = await gateway.json<FramesPage>('/api/jobs/live/frames');
    expect(frames.every((frame) => frame.state === 'done' && frame.attempt === 1)).toBe(true);
    await worker.stop();
  });
});

describe('when a server is away', () => {
  it('says which, and goes on when it is back', async () => {
    const { adminDatabaseUrl } = inject('servers');
    const name = new URL(farm.context.databaseUrl).pathname.slice(1);
    await runStatement(adminDatabaseUrl, `alter database ${name} allow_connections false`);
    await runStatement(
      adminDatabaseUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
    );
    try {
      const problem = await gateway.json<Problem>('/api/jobs', 503);
      expect(problem).toMatchObject({ code: 'unavailable' });
      expect(problem.detail).toContain('ledger');
      const ready = await gateway.json('/readyz', 503);
      expect(ready).toMatchObject({ ok: false, checks: { jetstream: 'ok', s3: 'ok' } });
      expect((ready['checks'] as Record<string, string>)['postgres']).not.toBe('ok');
      await gateway.json('/livez', 200);
    } finally {
      await runStatement(adminDatabaseUrl, `alter database ${name} allow_connections true`);
    }
    await vi.waitFor(() => gateway.json('/api/jobs'), 10_000);
  });
});
