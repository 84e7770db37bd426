import { sql } from 'kysely';
import type { AcceptedFrame, AttemptResult } from '../ledger/accept-results.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { disagreementText, type JudgedResult, type Judgements } from './judge-results.ts';

const FARM = 'farmhand';

interface TakenResult {
  frame: AcceptedFrame;
  taken: AttemptResult;
  judged: JudgedResult;
}

/**
 * Writes what was measured of accepted results, and the history of those that were not simply taken. The frames are
 * written; their jobs are locked.
 */
export async function recordResults(
  trx: LedgerTransaction,
  steps: StepInfos,
  accepted: readonly AcceptedFrame[],
  results: ReadonlyMap<string, AttemptResult>,
  judgements: Judgements,
): Promise<void> {
  if (judgements.size === 0) return;
  const all = accepted.flatMap((frame) => {
    const taken = results.get(`${frame.step_key}/${frame.number}`);
    const judged = taken && judgements.get(taken);
    return judged ? [{ frame, taken, judged }] : [];
  });
  if (all.length === 0) return;
  await writeMeasures(
    trx,
    all.filter(({ judged }) => judged.becomes !== 'ready'),
  );
  await writeHistory(
    trx,
    all.filter(({ judged }) => judged.decision !== null),
  );
  await noteDisagreements(
    trx,
    steps,
    all.filter(({ judged }) => judged.disagreement !== null),
  );
  await compareLater(trx, all);
}

const column = <T>(all: readonly TakenResult[], pick: (one: TakenResult) => T): T[] => all.map(pick);
const measuresOf = ({ taken }: TakenResult): string | null =>
  taken.result.quality?.measures ? JSON.stringify(taken.result.quality.measures) : null;
const pixelsOf = ({ taken }: TakenResult): string | null => taken.result.quality?.measures?.pixels ?? null;
const thumbnailOf = ({ taken }: TakenResult): string | null => taken.result.quality?.thumbnail ?? null;

async function writeMeasures(trx: LedgerTransaction, all: readonly TakenResult[]): Promise<void> {
  if (all.length === 0) return;
  await sql`/* prepared */
    INSERT INTO frame_quality (step_key, number, generation, measures, pixels, thumbnail)
    SELECT n.step_key, n.number, n.generation, n.measures::jsonb, decode(n.pixels, 'hex'), decode(n.thumbnail, 'base64')
    FROM unnest(
      ${column(all, ({ taken }) => taken.stepKey)}::bigint[], ${column(all, ({ taken }) => taken.result.number)}::int[],
      ${column(all, ({ taken }) => taken.result.generation)}::int[], ${column(all, measuresOf)}::text[],
      ${column(all, pixelsOf)}::text[], ${column(all, thumbnailOf)}::text[]
    ) AS n(step_key, number, generation, measures, pixels, thumbnail)
    ON CONFLICT (step_key, number) DO UPDATE SET generation = excluded.generation, measures = excluded.measures,
      pixels = excluded.pixels, thumbnail = excluded.thumbnail`.execute(trx);
}

async function writeHistory(trx: LedgerTransaction, all: readonly TakenResult[]): Promise<void> {
  if (all.length === 0) return;
  await sql`
    INSERT INTO judged_attempts (step_key, number, generation, attempt, worker, verdict, findings, measures, pixels, thumbnail,
      object_key, decision, decided_by, decided_at)
    SELECT n.step_key, n.number, n.generation, n.attempt, n.worker, n.verdict, n.findings::jsonb, n.measures::jsonb,
      decode(n.pixels, 'hex'), decode(n.thumbnail, 'base64'), n.object_key, n.decision, ${FARM}, now()
    FROM unnest(
      ${column(all, ({ taken }) => taken.stepKey)}::bigint[], ${column(all, ({ taken }) => taken.result.number)}::int[],
      ${column(all, ({ taken }) => taken.result.generation)}::int[], ${column(all, ({ taken }) => taken.attempt)}::text[],
      ${column(all, ({ taken }) => taken.worker)}::text[], ${column(all, ({ judged }) => judged.verdict)}::text[],
      ${column(all, ({ judged }) => JSON.stringify(judged.findings))}::text[], ${column(all, measuresOf)}::text[],
      ${column(all, pixelsOf)}::text[], ${column(all, thumbnailOf)}::text[],
      ${column(all, ({ taken }) => taken.result.outputs[0]?.key ?? null)}::text[],
      ${column(all, ({ judged }) => judged.decision)}::text[]
    ) AS n(step_key, number, generation, attempt, worker, verdict, findings, measures, pixels, thumbnail, object_key, decision)
    ORDER BY n.step_key, n.number`.execute(trx);
}

/** Both results are kept: the earlier one says which later one it differs from, and the job's history says it, too. */
async function noteDisagreements(
  trx: LedgerTransaction,
  steps: StepInfos,
  all: readonly TakenResult[],
): Promise<void> {
  if (all.length === 0) return;
  const infos = await steps.load([...new Set(all.map(({ taken }) => taken.stepKey))]);
  await sql`
    UPDATE judged_attempts a SET difference = n.difference, differs_attempt = n.attempt, differs_worker = n.worker
    FROM unnest(
      ${column(all, ({ judged }) => judged.disagreement?.earlier.key ?? null)}::bigint[],
      ${column(all, ({ judged }) => judged.disagreement?.difference ?? null)}::real[],
      ${column(all, ({ taken }) => taken.attempt)}::text[], ${column(all, ({ taken }) => taken.worker)}::text[]
    ) AS n(key, difference, attempt, worker) WHERE a.key = n.key`.execute(trx);
  const events = all.flatMap(({ taken, judged }) => {
    const info = infos.get(taken.stepKey);
    if (!info || !judged.disagreement) return [];
    const text = disagreementText(taken.result.number, taken.worker, judged.disagreement);
    return [{ job: info.jobId, message: `Step ${info.name}: ${text}` }];
  });
  await sql`
    INSERT INTO job_events (job_id, kind, actor, message)
    SELECT n.job, 'disagreement', ${FARM}, n.message
    FROM unnest(${events.map(({ job }) => job)}::text[], ${events.map(({ message }) => message)}::text[]) AS n(job, message)`.execute(
    trx,
  );
}

/** Steps of several frames are compared as a whole once all have ended: until then they are not complete. */
async function compareLater(trx: LedgerTransaction, all: readonly TakenResult[]): Promise<void> {
  const measured = all.filter(({ taken }) => taken.result.quality?.measures);
  const keys = [...new Set(measured.map(({ taken }) => taken.stepKey))].sort((a, b) => Number(a) - Number(b));
  if (keys.length === 0) return;
  await sql`/* prepared */
    UPDATE steps SET judge_due = judge_due + 1 WHERE key = ANY(${keys}::bigint[]) AND frame_total > 1`.execute(
    trx,
  );
}
