import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/shared/contracts/api.ts';
import type { DeadLetter, JobStatus, JobSummary } from '../../src/shared/contracts/messages.ts';
import { WholeFarm } from '../support/whole-farm.ts';
import { until } from '../support/until.ts';

const DOCUMENT = {
  version: 1,
  name: 'x',
  engine: 'lottie',
  scene: 'template:title-card',
  frames: '0-23',
  data: { title: 'Hi' },
};

describe('a plain publish on jobs', () => {
  let farm: WholeFarm;
  beforeAll(async () => {
    farm = await WholeFarm.start({ up: ['--slots', '2'] });
  });
  afterAll(() => farm.stop());

  /** As `nats pub` does with what `farmhand env` prints: no acknowledgement is asked for. */
  async function publish(body: string): Promise<void> {
    const env = await farm.json<Record<string, string>>('env');
    const connection = await connect({
      servers: env['NATS_URL']!,
      user: env['NATS_USER']!,
      pass: env['NATS_PASSWORD']!,
    });
    connection.publish('jobs', body);
    await connection.drain();
  }

  it('gives a finished job with every frame in S3', async () => {
    await publish(JSON.stringify(DOCUMENT));
    let jobs: JobSummary[] = [];
    await until(async () => (jobs = await farm.json<JobSummary[]>('jobs')).length > 0, 'the job is there');
    const { id, frames, state } = await farm.ended(jobs[0]!.id);
    expect({ state, done: frames.done, total: frames.total }).toEqual({
      state: 'completed',
      done: 24,
      total: 24,
    });
    const rows = await farm.json<Frame[]>('frames', id);
    expect(rows.map((row) => row.frame)).toEqual(Array.from({ length: 24 }, (_, frame) => frame));
    expect(new Set(rows.map((row) => row.key)).size).toBe(24);
    await farm.expectNoFaults();
  });

  it('says on status.job what became of a document with an id of its own', async () => {
    const env = await farm.json<Record<string, string>>('env');
    const connection = await connect({
      servers: env['NATS_URL']!,
      user: env['NATS_USER']!,
      pass: env['NATS_PASSWORD']!,
    });
    const heard: JobStatus[] = [];
    connection.subscribe('status.job.*', {
      callback: (_, message) => void heard.push(message.json<JobStatus>()),
    });
    connection.publish('jobs', JSON.stringify({ ...DOCUMENT, id: 'said-1', frames: '0-1' }));
    connection.publish('jobs', JSON.stringify({ ...DOCUMENT, id: 'said-2', frames: '5-x' }));
    const states = (): string[] =>
      heard.map((said) => (said.type === 'job' ? `${said.job.id} ${said.job.state}` : said.type));
    await until(
      () => states().includes('said-1 completed') && states().includes('refused'),
      'both are answered',
    );
    const refusal = heard.find((said) => said.type === 'refused');
    expect(refusal).toMatchObject({
      jobId: 'said-2',
      errors: [{ path: 'frames', value: expect.stringContaining('5-x') as string }],
    });
    await connection.close();
  });

  it('puts what it cannot read aside, once, and goes on', async () => {
    const env = await farm.json<Record<string, string>>('env');
    const connection = await connect({
      servers: env['NATS_URL']!,
      user: env['NATS_USER']!,
      pass: env['NATS_PASSWORD']!,
    });
    const letters: DeadLetter[] = [];
    connection.subscribe('dead.>', {
      callback: (_, message) => void letters.push(message.json<DeadLetter>()),
    });
    connection.publish('jobs', '{"version":1,');
    connection.publish('jobs', JSON.stringify({ ...DOCUMENT, id: 'after-it', frames: '3' }));
    await until(() => letters.length > 0, 'there is a dead letter');
    expect((await farm.ended('after-it')).state).toBe('completed');
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({ subject: 'jobs', bytes: 13 });
    await connection.close();
  });
});
