import { sql } from 'kysely';
import type { Finding, Measures, QualityPolicy } from '../../shared/contracts/quality.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { CompiledPolicy } from '../../shared/quality/policy.ts';
import { CommonCounter } from '../../shared/quality/sequence/consistent.ts';
import { duplicateCheck } from '../../shared/quality/sequence/duplicate.ts';
import { outlierCheck } from '../../shared/quality/sequence/outlier.ts';
import { SequenceChecker } from '../../shared/quality/sequence/sequence-checker.ts';
import type { SequenceFinding, SequenceFrame } from '../../shared/quality/sequence/sequence-frame.ts';
import { decodeThumbnail } from '../../shared/quality/thumbnail-file.ts';

/** Frames that are read at a time: between two slices others have their turn. */
const SLICE = 500;
const LOWEST_NUMBER = -2_147_483_648;

interface FrameRow {
  number: number;
  measures: Measures;
  thumbnail: Buffer | null;
}

/**
 * Compares a step's finished frames with each other, slice by slice and beside everything else: no lock, no transaction.
 * @returns by frame number what is to be said of it.
 */
export async function compareFrames(
  ledger: Ledger,
  stepKey: string,
  policy: QualityPolicy,
): Promise<Map<number, Finding[]>> {
  const common = new CommonCounter();
  for await (const rows of framesOf(ledger, stepKey, false))
    for (const row of rows) common.add({ ...row, thumbnail: null });
  const compiled = new CompiledPolicy(policy);
  const most = common.most();
  const withPictures = [duplicateCheck, outlierCheck].some((check) => compiled.rule(check, null) !== null);
  if (!withPictures && most === null) return new Map();
  const checker = new SequenceChecker(compiled, most);
  const found: SequenceFinding[] = [];
  for await (const rows of framesOf(ledger, stepKey, withPictures))
    for (const frame of await Promise.all(rows.map(pictureOf))) found.push(...checker.add(frame));
  found.push(...checker.finish());
  const byFrame = Map.groupBy(found, ({ frame }) => frame);
  return new Map([...byFrame].map(([number, all]) => [number, all.map(({ finding }) => finding)]));
}

async function pictureOf({ number, measures, thumbnail }: FrameRow): Promise<SequenceFrame> {
  if (thumbnail === null) return { number, measures, thumbnail: null };
  try {
    return { number, measures, thumbnail: await decodeThumbnail(thumbnail.toString('base64')) };
  } catch {
    return { number, measures, thumbnail: null }; // no picture: it is held against nothing
  }
}

async function* framesOf(ledger: Ledger, stepKey: string, pictures: boolean): AsyncGenerator<FrameRow[]> {
  for (let after = LOWEST_NUMBER; ;) {
    const { rows } = await sql<FrameRow>`
      SELECT f.number, q.measures, ${pictures ? sql`q.thumbnail` : sql`NULL::bytea`} AS thumbnail
      FROM (
        SELECT number, generation, state FROM frames WHERE step_key = ${stepKey} AND number > ${after}
        ORDER BY number LIMIT ${SLICE}
      ) f LEFT JOIN LATERAL (
        SELECT measures, thumbnail FROM frame_quality
        WHERE step_key = ${stepKey} AND number = f.number AND generation = f.generation AND f.state = 'done' OFFSET 0
      ) q ON true ORDER BY f.number`.execute(ledger);
    yield rows.filter((row) => (row.measures as Measures | null) !== null);
    const last = rows.at(-1);
    if (!last || rows.length < SLICE) return;
    after = last.number;
  }
}
