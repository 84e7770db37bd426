import { sql } from 'kysely';
import type { Measures } from '../../shared/contracts/quality.ts';
import type { AttemptResult } from '../ledger/accept-results.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { TOLERANCE, pictureDifference } from './picture-difference.ts';
import { isGood, judgeResult, worstOf, type EarlierResult, type Judgement } from './judge-result.ts';

/** A later result of another worker that looks otherwise than an earlier one, where both were good. */
export interface Disagreement {
  earlier: EarlierResult;
  /** 0–1. */
  difference: number;
}

export interface JudgedResult extends Judgement {
  disagreement: Disagreement | null;
}

/** Judgements by result; those without are taken as they are. */
export type Judgements = ReadonlyMap<AttemptResult, JudgedResult>;

/** So many earlier results of a frame are looked at. */
const EARLIER = 20;
/** The pictures of a batch are decoded for so long at most, as its jobs are locked: after that their means are compared. */
const DECODE_MS = 500;

/**
 * What becomes of results that were looked at by their workers. Asks the ledger only for frames that failed their checks or
 * were rendered before; results without a word of quality cost nothing.
 */
export async function judgeResults(
  trx: LedgerTransaction,
  steps: StepInfos,
  results: readonly AttemptResult[],
): Promise<Judgements> {
  const looked = results.filter(({ result }) => result.quality !== undefined);
  if (looked.length === 0) return new Map();
  const infos = await steps.load([...new Set(looked.map(({ stepKey }) => stepKey))]);
  const history = await readEarlier(
    trx,
    looked.filter(({ result: { quality, generation } }) => {
      return generation > 1 || !isGood(worstOf(quality?.findings ?? [], quality?.verdict));
    }),
  );
  const judged = new Map<AttemptResult, JudgedResult>();
  const until = performance.now() + DECODE_MS;
  for (const one of looked) {
    const { quality } = one.result;
    const policy = infos.get(one.stepKey)?.spec.quality;
    if (!quality || !policy || policy.mode === 'off') continue;
    const before = history.get(`${one.stepKey}/${one.result.number}`) ?? [];
    const { worker, result } = one;
    const judgement = judgeResult(quality, policy, { worker, generation: result.generation }, before);
    judged.set(one, { ...judgement, disagreement: await disagreementOf(one, judgement, before, until) });
  }
  return judged;
}

/** An earlier result as it is compared with a new one. */
export interface EarlierPicture extends EarlierResult {
  measures: Measures | null;
  thumbnail: Buffer | null;
}

/** What came of frames before, oldest first. */
export async function readEarlier(
  trx: LedgerTransaction,
  frames: readonly Pick<AttemptResult, 'stepKey' | 'result'>[],
): Promise<Map<string, EarlierPicture[]>> {
  if (frames.length === 0) return new Map();
  const { rows } = await sql<EarlierPicture & { step_key: string; number: number }>`
    SELECT n.step_key, n.number, a.* FROM unnest(
      ${frames.map(({ stepKey }) => stepKey)}::bigint[], ${frames.map(({ result }) => result.number)}::int[]
    ) AS n(step_key, number) CROSS JOIN LATERAL (
      SELECT key, generation, worker, attempt, verdict, encode(pixels, 'hex') AS pixels, decision, measures, thumbnail
      FROM judged_attempts WHERE step_key = n.step_key AND number = n.number ORDER BY key DESC LIMIT ${EARLIER}
    ) a ORDER BY a.key::bigint`.execute(trx);
  return Map.groupBy(rows, (row) => `${row.step_key}/${row.number}`);
}

/** Two workers that both made a good picture of one frame, one after the other, and not the same one. */
async function disagreementOf(
  { worker, result: { quality, generation } }: AttemptResult,
  { verdict }: Judgement,
  before: readonly EarlierPicture[],
  until: number,
): Promise<Disagreement | null> {
  const pixels = quality?.measures?.pixels;
  if (pixels === undefined || !isGood(verdict)) return null;
  const earlier = before.at(-1);
  if (earlier?.generation !== generation - 1 || !isGood(earlier.verdict)) return null;
  if (earlier.worker === null || earlier.worker === worker) return null;
  if (earlier.pixels === null || earlier.pixels === pixels) return null;
  const difference = await pictureDifference(earlier, {
    measures: quality?.measures ?? null,
    thumbnail:
      quality?.thumbnail === undefined || performance.now() >= until
        ? null
        : Buffer.from(quality.thumbnail, 'base64'),
  });
  return difference > TOLERANCE ? { earlier, difference } : null;
}

export function disagreementText(
  number: number,
  worker: string,
  { earlier, difference }: Disagreement,
): string {
  return (
    `Workers ${earlier.worker ?? '?'} and ${worker} render frame ${number} differently (${(100 * difference).toFixed(1)} % ` +
    `of the range where it differs most): a faulty GPU, or another version of the engine, a driver or a font?`
  );
}
