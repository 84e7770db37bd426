import { connect } from 'nats';
import { pino } from 'pino';
import { FarmHome } from '../../src/local/farm-home.ts';
import { connectLedger } from '../../src/shared/database/connect.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { findFaults } from './oracle.ts';

/**
 * The oracle as a program, for farms whose servers only answer in their own network namespace. Looks at the farm that
 * runs from `FARMHAND_HOME` and prints `{faults, attempts}`.
 */
export interface OracleReport {
  faults: string[];
  attempts: {
    id: string;
    jobId: string;
    worker: string;
    frames: number[];
    outcome: string | null;
    /** Milliseconds since 1970, by the database's clock. */
    startedAt: number;
  }[];
}

async function report(): Promise<OracleReport> {
  const connections = new FarmHome().running()?.connections;
  if (connections === undefined) throw new Error('No farm runs from FARMHAND_HOME.');
  const ledger = connectLedger(connections.databaseUrl, pino({ level: 'silent' }), 2);
  const { endpoint, bucket, region, farm } = connections.s3;
  const s3 = createS3Client({ endpoint, bucket, region, ...farm });
  const { user, password } = connections.nats.users.operator;
  const nats = await connect({ servers: connections.nats.url, user, pass: password });
  try {
    const faults = await findFaults({ ledger, s3, bucket, nats });
    const attempts = await ledger
      .selectFrom('attempts')
      .innerJoin('tasks', 'tasks.key', 'attempts.task_key')
      .select([
        'attempts.id',
        'attempts.job_id',
        'attempts.worker',
        'attempts.outcome',
        'attempts.started_at',
      ])
      .select('tasks.frames')
      .orderBy('attempts.started_at')
      .execute();
    return {
      faults,
      attempts: attempts.map(({ id, job_id, worker, frames, outcome, started_at }) => ({
        id,
        jobId: job_id,
        worker,
        frames,
        outcome,
        startedAt: started_at.getTime(),
      })),
    };
  } finally {
    await nats.close();
    s3.destroy();
    await ledger.destroy();
  }
}

process.stdout.write(`${JSON.stringify(await report())}\n`);
