import { sql, type RawBuilder } from 'kysely';
import type { FrameResult } from '../../shared/contracts/messages.ts';
import type { FrameState } from '../../shared/domain/states.ts';
import { holdText } from '../quality/judge-result.ts';
import { disagreementText, type JudgedResult, type Judgements } from '../quality/judge-results.ts';
import { frameByKey } from './frame-by-key.ts';
import type { LedgerTransaction } from './job-repository.ts';

/** A frame that an attempt has finished, checked against its task. */
export interface AttemptResult {
  stepKey: string;
  taskKey: string;
  attempt: string;
  worker: string;
  result: FrameResult;
}

export interface AcceptedFrame {
  step_key: string;
  number: number;
  /** Of the result that was taken. */
  generation: number;
  from: FrameState;
  /** Done, unless its checks did not pass: held, or asked for again in the next generation. */
  to: FrameState;
  /** The task that held the frame; another one than the result's when it had been given away. */
  task_key: string | null;
}

const hexOrNull = (result: FrameResult): string | null => result.outputs[0]?.sha256 ?? null;

/**
 * Takes results, one conditional update for all: the first valid one of a frame and generation wins, later ones change
 * nothing. `results` names each frame once. Jobs are locked by the caller; counts are its, too.
 * @param judgements what becomes of those that were looked at; the others are done.
 */
export async function acceptResults(
  trx: LedgerTransaction,
  results: readonly AttemptResult[],
  judgements: Judgements,
): Promise<AcceptedFrame[]> {
  if (results.length === 0) return [];
  const column = <T>(pick: (result: AttemptResult) => T): T[] => results.map(pick);
  const kept = <T>(pick: (result: AttemptResult) => T): (T | null)[] =>
    results.map((result) => (judgements.get(result)?.becomes === 'ready' ? null : pick(result)));
  const verdicts = judgements.size === 0 ? NOT_JUDGED : judgedBy(results, judgements);
  const { rows } = await sql<AcceptedFrame>`/* prepared */
    WITH input AS (
      SELECT * FROM unnest(
        ${column((r) => r.stepKey)}::bigint[], ${column((r) => r.result.number)}::int[],
        ${column((r) => r.result.generation)}::int[], ${kept((r) => r.attempt)}::text[], ${kept((r) => r.worker)}::text[],
        ${kept((r) => r.result.seconds)}::real[], ${kept((r) => r.result.peakMemoryBytes)}::bigint[],
        ${kept((r) => r.result.outputs[0]?.bytes ?? null)}::bigint[], ${kept((r) => hexOrNull(r.result))}::text[],
        ${kept((r) => r.result.outputs[0]?.key ?? null)}::text[],
        ${kept((r) => warningsOf(r, judgements.get(r)))}::text[]${verdicts.input}
      ) AS i(step_key, number, generation, attempt, worker, seconds, peak, bytes, sha256, object_key, warnings${verdicts.names})
    ),
    valid AS MATERIALIZED (
      SELECT i.*, f.tid, f.state AS from_state, f.task_key FROM input i
      CROSS JOIN LATERAL ${frameByKey(sql`i.step_key`, sql`i.number`)} f
      WHERE f.generation = i.generation AND f.state IN ('ready', 'queued', 'running')
    )
    UPDATE frames f SET ${verdicts.set}, attempt = v.attempt, worker = v.worker, seconds = v.seconds,
      peak_memory_bytes = v.peak, bytes = v.bytes, sha256 = decode(v.sha256, 'hex'), object_key = v.object_key,
      warnings = CASE WHEN v.warnings IS NOT NULL
        THEN ARRAY(SELECT jsonb_array_elements_text(v.warnings::jsonb)) END,
      retry_at = NULL
    FROM valid v
    WHERE f.ctid = v.tid
    RETURNING f.step_key, f.number, v.generation, v.from_state AS "from", f.state AS "to", v.task_key`.execute(
    trx,
  );
  await insertOutputs(trx, results, judgements, rows);
  return rows;
}

/** What the statement has more where results were judged. */
interface VerdictParts {
  input: RawBuilder<unknown>;
  names: RawBuilder<unknown>;
  set: RawBuilder<unknown>;
}

const NOT_JUDGED: VerdictParts = { input: sql``, names: sql``, set: sql`state = 'done', error = NULL` };

/**
 * A frame that is rendered again keeps nothing of this result: it stands in its history. The next generation is for another
 * worker, where there is one.
 */
function judgedBy(results: readonly AttemptResult[], judgements: Judgements): VerdictParts {
  const column = <T>(pick: (judged: JudgedResult | undefined, result: AttemptResult) => T): T[] =>
    results.map((result) => pick(judgements.get(result), result));
  return {
    input: sql`, ${column((judged) => judged?.becomes ?? 'done')}::text[],
        ${column((judged) => (judged?.becomes === 'ready' ? null : (judged?.verdict ?? null)))}::text[],
        ${column((judged) => findingsOf(judged))}::text[],
        ${column((judged, { worker }) => (judged?.becomes === 'ready' ? worker : null))}::text[],
        ${column((judged) => (judged?.becomes === 'held' ? holdText(judged.findings) : null))}::text[]`,
    names: sql`, becomes, verdict, findings, avoid, error`,
    // A step that is held gives nothing out: what is to be rendered again there waits with the rest of it.
    set: sql`state = CASE WHEN v.becomes = 'ready'
        AND EXISTS (SELECT 1 FROM steps s WHERE s.key = f.step_key AND s.hold_reason IS NOT NULL)
        THEN 'held' ELSE v.becomes END::frame_state, generation = f.generation + (v.becomes = 'ready')::int,
      task_key = CASE WHEN v.becomes <> 'ready' THEN f.task_key END, verdict = v.verdict, findings = v.findings::jsonb,
      avoid_worker = v.avoid, error = v.error`,
  };
}

const findingsOf = (judged: JudgedResult | undefined): string | null =>
  judged && judged.becomes !== 'ready' && judged.findings.length > 0 ? JSON.stringify(judged.findings) : null;

function warningsOf(taken: AttemptResult, judged: JudgedResult | undefined): string | null {
  const { warnings = [], number } = taken.result;
  const all = judged?.disagreement
    ? [...warnings, disagreementText(number, taken.worker, judged.disagreement)]
    : warnings;
  return all.length > 0 ? JSON.stringify(all) : null;
}

/** The outputs beyond the main one, of accepted frames only. */
async function insertOutputs(
  trx: LedgerTransaction,
  results: readonly AttemptResult[],
  judgements: Judgements,
  accepted: readonly AcceptedFrame[],
): Promise<void> {
  if (!results.some((r) => r.result.outputs.length > 1)) return;
  const taken = new Set(accepted.map((frame) => `${frame.step_key}/${frame.number}`));
  const outputs = results
    .filter((r) => judgements.get(r)?.becomes !== 'ready' && taken.has(`${r.stepKey}/${r.result.number}`))
    .flatMap((r) =>
      r.result.outputs.slice(1).flatMap((output) =>
        output.key === null || output.sha256 === null
          ? []
          : [
              {
                stepKey: r.stepKey,
                number: r.result.number,
                ...output,
                key: output.key,
                sha256: output.sha256,
              },
            ],
      ),
    );
  if (outputs.length === 0) return;
  await sql`
    INSERT INTO frame_outputs (step_key, number, name, object_key, bytes, sha256)
    SELECT o.step_key, o.number, o.name, o.object_key, o.bytes, decode(o.sha256, 'hex') FROM unnest(
      ${outputs.map((o) => o.stepKey)}::bigint[], ${outputs.map((o) => o.number)}::int[], ${outputs.map((o) => o.name)}::text[],
      ${outputs.map((o) => o.key)}::text[], ${outputs.map((o) => o.bytes)}::bigint[], ${outputs.map((o) => o.sha256)}::text[]
    ) AS o(step_key, number, name, object_key, bytes, sha256)
    ON CONFLICT (step_key, number, name) DO UPDATE
      SET object_key = excluded.object_key, bytes = excluded.bytes, sha256 = excluded.sha256`.execute(trx);
}
