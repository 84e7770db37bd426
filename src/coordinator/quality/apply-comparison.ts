import { sql } from 'kysely';
import type { Finding, QualityPolicy, Verdict } from '../../shared/contracts/quality.ts';
import type { ControlContext, ControlOutcome } from '../control/control-context.ts';
import { linksOf } from '../control/dependents.ts';
import { renderAgain } from '../control/retry.ts';
import { CountDeltas } from '../ledger/count-deltas.ts';
import { frameByKey } from '../ledger/frame-by-key.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import {
  asWarning,
  holdText,
  judgeResult,
  worstOf,
  type EarlierResult,
  type Judgement,
} from './judge-result.ts';

/** A finding of a comparison, told apart from those of the frame itself: the next comparison replaces it. */
type StoredFinding = Finding & { sequence?: true };

interface ComparedFrame {
  number: number;
  generation: number;
  worker: string | null;
  verdict: Verdict | null;
  findings: StoredFinding[] | null;
  pixels: string | null;
  before: EarlierResult[] | null;
}

interface Changed {
  frame: ComparedFrame;
  judgement: Judgement;
}

/** What came of a comparison, for whoever tells workers and people. */
export interface AppliedComparison extends Pick<ControlOutcome, 'removed' | 'drops'> {
  again: number;
  held: number;
}

/**
 * Writes what a comparison of a step's frames found. Those that do not fit are rendered again, as frames are that fail their
 * own checks, or held. The job is locked by the caller, who settles it.
 */
export async function applyComparison(
  context: ControlContext,
  stepKey: string,
  policy: QualityPolicy,
  found: ReadonlyMap<number, readonly Finding[]>,
): Promise<AppliedComparison> {
  const { trx } = context;
  const changed = (await readFrames(trx, stepKey, [...found.keys()])).flatMap((frame) => {
    const judgement = judgementOf(frame, found.get(frame.number) ?? [], policy);
    return judgement ? [{ frame, judgement }] : [];
  });
  const of = (becomes: Judgement['becomes']): Changed[] =>
    changed.filter(({ judgement }) => judgement.becomes === becomes);
  const [again, held] = [of('ready'), of('held')];
  await writeFindings(trx, stepKey, [...of('done'), ...held]);
  await writeHistory(trx, stepKey, [...again, ...held]);
  await countHeld(trx, stepKey, held);
  const effects = again.length === 0 ? {} : await askAgain(context, stepKey, again);
  return { ...effects, again: again.length, held: held.length };
}

/** Of frames that are done: those of which something was found, now or by an earlier comparison. */
async function readFrames(
  trx: LedgerTransaction,
  stepKey: string,
  numbers: readonly number[],
): Promise<ComparedFrame[]> {
  const { rows } = await sql<ComparedFrame>`
    WITH meant AS MATERIALIZED (
      SELECT unnest(${[...numbers]}::int[]) AS number UNION
      SELECT number FROM frames WHERE step_key = ${stepKey} AND verdict IN ('warn', 'fail', 'hold')
        AND findings @> '[{"sequence": true}]'
    )
    SELECT f.number, f.generation, f.worker, f.verdict, f.findings, encode(q.pixels, 'hex') AS pixels, (
      SELECT json_agg(json_build_object('key', a.key::text, 'generation', a.generation, 'worker', a.worker, 'attempt', a.attempt,
        'verdict', a.verdict, 'pixels', encode(a.pixels, 'hex'), 'decision', a.decision) ORDER BY a.key)
      FROM judged_attempts a WHERE a.step_key = ${stepKey} AND a.number = f.number
    ) AS before
    FROM meant m CROSS JOIN LATERAL (
      SELECT * FROM frames WHERE step_key = ${stepKey} AND number = m.number OFFSET 0
    ) f LEFT JOIN LATERAL (
      SELECT pixels FROM frame_quality WHERE step_key = ${stepKey} AND number = m.number AND generation = f.generation OFFSET 0
    ) q ON true
    WHERE f.state = 'done' ORDER BY f.number`.execute(trx);
  return rows;
}

/** @returns undefined where nothing is otherwise than before. */
function judgementOf(
  frame: ComparedFrame,
  found: readonly Finding[],
  policy: QualityPolicy,
): Judgement | undefined {
  const own = (frame.findings ?? []).filter((finding) => finding.sequence !== true);
  const ofSequence: StoredFinding[] = found.map((finding) => ({ ...finding, sequence: true }));
  const sequence = judgeResult(
    { verdict: 'pass', findings: ofSequence, measures: measuresOf(frame) },
    policy,
    { worker: frame.worker ?? 'unknown', generation: frame.generation },
    frame.before ?? [],
  );
  const findings = [...own, ...sequence.findings.map((finding) => ({ ...finding, sequence: true as const }))];
  if (sequence.becomes !== 'done') return { ...sequence, findings };
  const same = JSON.stringify(findings) === JSON.stringify(frame.findings ?? []);
  if (same) return undefined;
  const verdict = frame.verdict === 'unchecked' ? 'unchecked' : 'pass';
  const worst = worstOf(findings, verdict);
  // Whoever took the frame as it is took what was found of itself, too.
  return worst === 'fail' || worst === 'hold'
    ? asWarning(findings, null)
    : { becomes: 'done', verdict: worst, findings, decision: null };
}

/** As far as judging looks at them: the pixels. */
const measuresOf = ({ pixels }: ComparedFrame) =>
  pixels === null
    ? null
    : {
        width: 1,
        height: 1,
        channels: 1,
        depth: 'mixed' as const,
        min: [],
        max: [],
        mean: [],
        notANumber: 0,
        infinite: 0,
        pixels,
      };

async function writeFindings(
  trx: LedgerTransaction,
  stepKey: string,
  all: readonly Changed[],
): Promise<void> {
  if (all.length === 0) return;
  const column = <T>(pick: (one: Changed) => T): T[] => all.map(pick);
  await sql`
    WITH n AS MATERIALIZED (
      SELECT f.tid, n.* FROM unnest(
        ${column(({ frame }) => frame.number)}::int[], ${column(({ judgement }) => judgement.becomes)}::text[],
        ${column(({ judgement }) => judgement.verdict)}::text[],
        ${column(({ judgement }) => JSON.stringify(judgement.findings))}::text[],
        ${column(({ judgement }) => (judgement.becomes === 'held' ? holdText(judgement.findings) : null))}::text[]
      ) AS n(number, becomes, verdict, findings, error)
      CROSS JOIN LATERAL ${frameByKey(sql`${stepKey}::bigint`, sql`n.number`)} f
    )
    UPDATE frames f SET state = n.becomes::frame_state, verdict = n.verdict, findings = n.findings::jsonb, error = n.error
    FROM n WHERE f.ctid = n.tid`.execute(trx);
}

async function writeHistory(trx: LedgerTransaction, stepKey: string, all: readonly Changed[]): Promise<void> {
  if (all.length === 0) return;
  const column = <T>(pick: (one: Changed) => T): T[] => all.map(pick);
  await sql`
    INSERT INTO judged_attempts (step_key, number, generation, attempt, worker, verdict, findings, measures, pixels, thumbnail,
      object_key, decision, decided_by, decided_at)
    SELECT ${stepKey}::bigint, n.number, f.generation, f.attempt, f.worker, n.verdict, n.findings::jsonb, q.measures, q.pixels,
      q.thumbnail, f.object_key, n.decision, 'farmhand', now()
    FROM unnest(
      ${column(({ frame }) => frame.number)}::int[], ${column(({ judgement }) => judgement.verdict)}::text[],
      ${column(({ judgement }) => JSON.stringify(judgement.findings))}::text[],
      ${column(({ judgement }) => judgement.decision)}::text[]
    ) AS n(number, verdict, findings, decision)
    CROSS JOIN LATERAL (
      SELECT generation, attempt, worker, object_key FROM frames
      WHERE step_key = ${stepKey} AND number = n.number OFFSET 0
    ) f CROSS JOIN LATERAL (
      SELECT measures, pixels, thumbnail FROM frame_quality
      WHERE step_key = ${stepKey} AND number = n.number AND generation = f.generation OFFSET 0
    ) q ORDER BY n.number`.execute(trx);
}

async function countHeld(trx: LedgerTransaction, stepKey: string, held: readonly Changed[]): Promise<void> {
  if (held.length === 0) return;
  const numbers = held.map(({ frame }) => frame.number);
  const { rows } = await sql<{ seconds: number }>`
    SELECT COALESCE(sum(f.seconds), 0)::float8 AS seconds FROM unnest(${numbers}::int[]) AS n(number) CROSS JOIN LATERAL (
      SELECT seconds FROM frames WHERE step_key = ${stepKey} AND number = n.number OFFSET 0
    ) f`.execute(trx);
  const deltas = new CountDeltas();
  deltas.move(stepKey, 'done', 'held', held.length);
  deltas.addSeconds(stepKey, -(rows[0]?.seconds ?? 0));
  await deltas.write(trx);
}

/** What is made from them is made again, too. */
async function askAgain(
  context: ControlContext,
  stepKey: string,
  again: readonly Changed[],
): Promise<Pick<ControlOutcome, 'removed' | 'drops'>> {
  const links = await linksOf(context, [stepKey]);
  const runs = again.map(({ frame }) => ({ start: frame.number, step: 1, count: 1 }));
  const chosen = {
    kind: 'retry',
    states: ['done'],
    runs,
    forOthers: false,
    letGo: false,
    error: null,
  } as const;
  const wanted = [{ key: stepKey, chosen }];
  const effects = await renderAgain(context, { wanted, undone: [] }, again.length, links);
  await sql`
    WITH n AS MATERIALIZED (
      SELECT f.tid, n.worker FROM unnest(
        ${again.map(({ frame }) => frame.number)}::int[], ${again.map(({ frame }) => frame.worker)}::text[]
      ) AS n(number, worker) CROSS JOIN LATERAL ${frameByKey(sql`${stepKey}::bigint`, sql`n.number`)} f
      WHERE f.state IN ('ready', 'waiting')
    )
    UPDATE frames f SET avoid_worker = n.worker FROM n WHERE f.ctid = n.tid`.execute(context.trx);
  return effects;
}
