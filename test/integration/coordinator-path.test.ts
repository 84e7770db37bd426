import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit } from '../support/jobs.ts';

describe('a job through the coordinator', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  it('takes a plain message on `jobs`, and every frame is accepted once', async () => {
    const worker = await farm.work();
    await jetstream(await farm.context.connectAs('submitter')).publish(
      'jobs',
      encodeMessage({ version: 1, id: 'plain', name: 'x', engine: 'null', frames: '1-50' }),
    );
    const job = await jobWhen(farm.context, 'plain', 'completed');
    expect(job.frames).toMatchObject({ total: 50, done: 50, queued: 0, running: 0, ready: 0 });
    expect(job.deliveredAt).not.toBeNull();
    const rows = await farm.context.ledger.selectFrom('frames').select(['state', 'worker']).execute();
    expect(rows.every((row) => row.state === 'done' && row.worker === worker.id)).toBe(true);
    expect(worker.errors).toEqual([]);
    const tasks = await (
      await jetstreamManager(await farm.context.connectAs('coordinator'))
    ).streams.info('TASKS');
    expect(tasks.state.messages).toBe(0);
  });

  it('answers a request on `jobs.submit` with the job', async () => {
    const reply = await submit(farm.context, { version: 1, name: 'x', engine: 'null', frames: '1-3' });
    expect(reply).toMatchObject({
      existing: false,
      state: 'queued',
      job: { frames: { total: 3, ready: 3 } },
    });
  });
});
