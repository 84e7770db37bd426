import { sql, type Transaction } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { readJobSummary } from '../../shared/database/job-summaries.ts';
import type { Database } from '../../shared/database/schema.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import { DEFAULT_PRIORITY } from '../../shared/contracts/job-document.ts';
import { sliceRuns } from '../../shared/domain/frame-ranges.ts';
import type { PlannedJob } from '../intake/job-plan.ts';
import { insertFrames, type FrameSlice } from './insert-frames.ts';

export type LedgerTransaction = Transaction<Database>;

/** Rows written with the job itself; the rest of a large job follows in slices (planning/expander.ts). */
export const FIRST_FRAMES = 10_000;

export type InsertedJob =
  | { outcome: 'accepted' | 'existing'; job: JobSummary; expanded: boolean }
  | { outcome: 'conflict'; jobId: string };

/**
 * Writes job, steps, dependencies and the first frames in one transaction. The same id or idempotency key with an equal
 * document gives the job that is there; several at once make one job, because the unique index lets the others wait.
 */
export async function insertJob(ledger: Ledger, jobId: string, plan: PlannedJob): Promise<InsertedJob> {
  const inserted = await ledger.transaction().execute(async (trx) => {
    if (!(await insertJobRow(trx, jobId, plan))) return undefined;
    const keys = await insertSteps(trx, jobId, plan);
    await insertDependencies(trx, plan, keys);
    const slices = firstSlices(plan, keys);
    await insertFrames(trx, slices);
    return slices.reduce((sum, slice) => sum + slice.count, 0);
  });
  if (inserted === undefined) return existingJob(ledger, jobId, plan);
  const job = await readJobSummary(ledger, jobId);
  if (!job) throw new Error(`Job ${jobId} was written and is not there`);
  const total = plan.steps.reduce((sum, step) => sum + step.frameTotal, 0);
  return { outcome: 'accepted', job, expanded: inserted === total };
}

async function insertJobRow(trx: LedgerTransaction, jobId: string, plan: PlannedJob): Promise<boolean> {
  const { document } = plan;
  const row = await trx
    .insertInto('jobs')
    .values({
      id: jobId,
      name: document.name,
      owner: ownerOf(plan),
      project: document.project ?? 'default',
      labels: JSON.stringify(document.labels ?? {}),
      priority: document.priority ?? DEFAULT_PRIORITY,
      state: 'queued',
      idempotency_key: document.idempotencyKey ?? null,
      document: JSON.stringify(document),
      document_sha256: plan.documentSha256,
      not_before: document.notBefore ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

const ownerOf = (plan: PlannedJob): string => plan.document.owner ?? 'anonymous';

/** @returns key by step name. Keys grow in the order of dependencies. */
async function insertSteps(
  trx: LedgerTransaction,
  jobId: string,
  plan: PlannedJob,
): Promise<Map<string, string>> {
  const rows = plan.steps.map((step) => ({
    name: step.name,
    position: step.position,
    engine: step.engine,
    spec: step.spec,
    frame_total: step.frameTotal,
    entry_state: step.dependsOn.length > 0 ? 'waiting' : 'ready',
  }));
  const { rows: inserted } = await sql<{ key: string; name: string }>`
    INSERT INTO steps (job_id, name, position, engine, spec, state, frame_total, entry_state)
    SELECT ${jobId}, s.name, s.position, s.engine, s.spec, 'queued', s.frame_total, s.entry_state::frame_state
    FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS (name text, position integer, engine text, spec jsonb, frame_total integer, entry_state text))
      WITH ORDINALITY AS s(name, position, engine, spec, frame_total, entry_state, ordinal)
    ORDER BY s.ordinal
    RETURNING key, name`.execute(trx);
  return new Map(inserted.map((row) => [row.name, row.key]));
}

async function insertDependencies(
  trx: LedgerTransaction,
  plan: PlannedJob,
  keys: ReadonlyMap<string, string>,
): Promise<void> {
  const pairs = plan.steps.flatMap((step) =>
    step.dependsOn.map((name) => ({ step_key: keyOf(keys, step.name), depends_on: keyOf(keys, name) })),
  );
  if (pairs.length === 0) return;
  await sql`INSERT INTO step_dependencies (step_key, depends_on)
    SELECT * FROM unnest(${pairs.map((pair) => pair.step_key)}::bigint[], ${pairs.map((pair) => pair.depends_on)}::bigint[])`.execute(
    trx,
  );
}

function keyOf(keys: ReadonlyMap<string, string>, name: string): string {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`Step ${name} has no row`);
  return key;
}

function firstSlices(plan: PlannedJob, keys: ReadonlyMap<string, string>): FrameSlice[] {
  let left = FIRST_FRAMES;
  return plan.steps.flatMap((step) => {
    const count = Math.min(left, step.frameTotal);
    left -= count;
    if (count === 0) return [];
    const state = step.dependsOn.length > 0 ? ('waiting' as const) : ('ready' as const);
    return [
      {
        stepKey: keyOf(keys, step.name),
        state,
        error: null,
        offset: 0,
        count,
        runs: sliceRuns(step.spec.runs, 0, count),
      },
    ];
  });
}

async function existingJob(ledger: Ledger, jobId: string, plan: PlannedJob): Promise<InsertedJob> {
  const row = await ledger
    .selectFrom('jobs')
    .select(['id', 'document_sha256'])
    .where((where) =>
      where.or([
        where('id', '=', jobId),
        where.and([
          where('owner', '=', ownerOf(plan)),
          where('idempotency_key', '=', plan.document.idempotencyKey ?? ''),
        ]),
      ]),
    )
    // The id that was asked for says more than the key, where both are taken.
    .orderBy((order) => order('id', '=', jobId), 'desc')
    .executeTakeFirst();
  if (!row) throw new Error(`Job ${jobId} is refused as a duplicate of a job that is not there`);
  const job = await readJobSummary(ledger, row.id);
  if (row.document_sha256 !== plan.documentSha256 || !job) return { outcome: 'conflict', jobId: row.id };
  return { outcome: 'existing', job, expanded: true };
}
