import { sql } from 'kysely';
import { formatByteSize } from '../../shared/domain/byte-sizes.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { MovedFrame } from '../ledger/release-frames.ts';
import type { StepInfo } from '../ledger/step-info.ts';

/** So many done frames of a step are looked at for what its frames take. */
const SAMPLED_FRAMES = 1_000;

/**
 * Says, of frames that were given up because their workers died or because memory ran out again, why; writes it to the
 * frames and to their jobs.
 * @param moved changed: their `error` is the explanation.
 */
export async function explainGivenUp(
  trx: LedgerTransaction,
  moved: readonly MovedFrame[],
  steps: ReadonlyMap<string, StepInfo>,
): Promise<void> {
  const givenUp = moved.filter(
    (frame) => frame.blamed && frame.to === 'failed' && frame.charge !== 'failure',
  );
  if (givenUp.length === 0) return;
  const [workers, peaks] = [await workersThatDied(trx, givenUp), await peaksOf(trx, givenUp)];
  for (const frame of givenUp)
    frame.error =
      frame.charge === 'loss'
        ? lossText(frame.losses, workers.get(`${frame.step_key}/${frame.number}`) ?? [])
        : memoryText(frame, peaks.get(frame.step_key), steps.get(frame.step_key)?.engine);
  await sql`UPDATE frames f SET error = n.error
    FROM unnest(${givenUp.map((f) => f.step_key)}::bigint[], ${givenUp.map((f) => f.number)}::int[],
      ${givenUp.map((f) => f.error)}::text[]) AS n(step_key, number, error)
    WHERE f.step_key = n.step_key AND f.number = n.number`.execute(trx);
  const jobErrors = new Map<string, string>();
  for (const { step_key, number, error } of givenUp) {
    const step = steps.get(step_key);
    if (step) jobErrors.set(step.jobId, `Frame ${number} of ${step.name}: ${error ?? ''}`);
  }
  await sql`UPDATE jobs j SET error = n.error
    FROM unnest(${[...jobErrors.keys()]}::text[], ${[...jobErrors.values()]}::text[]) AS n(id, error)
    WHERE j.id = n.id`.execute(trx);
}

const lossText = (losses: number, workers: readonly string[]): string =>
  `Its worker died ${losses} times while it was rendered${workers.length > 0 ? ` (${workers.join(', ')})` : ''}.`;

function memoryText(frame: MovedFrame, peak: number | undefined, engine = 'its engine'): string {
  const size = (bytes: string | null): string => formatByteSize(Number(bytes ?? 0));
  const first =
    frame.memory_bytes === null
      ? `It ran out of memory with ${size(frame.had_bytes)}, and no worker with ${engine} has more.`
      : `It ran out of memory with ${size(frame.peak_memory_bytes)}, and again with ${size(frame.had_bytes)}.`;
  const others = peak === undefined ? '' : ` Other frames of the step took up to ${formatByteSize(peak)}.`;
  const said = frame.error === null ? '' : ` The engine said: ${frame.error}`;
  return `${first}${others} Ask for more by requires.memory, or make the scene smaller.${said}`;
}

/** By step and frame, the workers that died, in order. */
async function workersThatDied(
  trx: LedgerTransaction,
  frames: readonly MovedFrame[],
): Promise<Map<string, string[]>> {
  const lost = frames.filter((frame) => frame.charge === 'loss');
  if (lost.length === 0) return new Map();
  const { rows } = await sql<{ step_key: string; number: number; workers: string[] }>`
    SELECT n.step_key, n.number, array_agg(a.worker ORDER BY a.started_at) AS workers
    FROM unnest(${lost.map((f) => f.step_key)}::bigint[], ${lost.map((f) => f.number)}::int[]) AS n(step_key, number)
    JOIN steps s ON s.key = n.step_key
    JOIN attempts a ON a.job_id = s.job_id AND a.outcome = 'lost' AND a.frame = n.number
    JOIN tasks t ON t.key = a.task_key AND t.step_key = n.step_key
    GROUP BY n.step_key, n.number`.execute(trx);
  return new Map(rows.map((row) => [`${row.step_key}/${row.number}`, row.workers]));
}

/** By step, the most memory that some of its done frames took. */
async function peaksOf(trx: LedgerTransaction, frames: readonly MovedFrame[]): Promise<Map<string, number>> {
  const keys = [...new Set(frames.filter((f) => f.charge === 'memory').map((f) => f.step_key))];
  if (keys.length === 0) return new Map();
  const { rows } = await sql<{ key: string; peak: string | null }>`
    SELECT k.key, (SELECT max(peak_memory_bytes) FROM (
      SELECT peak_memory_bytes FROM frames WHERE step_key = k.key AND state = 'done' ORDER BY step_key, number LIMIT ${SAMPLED_FRAMES}
    ) sample) AS peak
    FROM unnest(${keys}::bigint[]) AS k(key)`.execute(trx);
  return new Map(rows.flatMap(({ key, peak }) => (peak === null ? [] : [[key, Number(peak)] as const])));
}
