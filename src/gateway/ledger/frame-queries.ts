import { sql, type Expression } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import { z } from 'zod';
import type { Frame, FramesPage } from '../../shared/contracts/api.ts';
import type { Finding, Verdict } from '../../shared/contracts/quality.ts';
import type { FrameChange } from '../../shared/contracts/messages.ts';
import type { FrameGrid } from '../../shared/contracts/realtime.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { FRAME_STATES, type FrameState } from '../../shared/domain/states.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { MAX_GRID_FRAMES } from './grid-size.ts';
import { readJobPicture, type JobPicture } from './job-picture.ts';
import { plain } from './quality-queries.ts';

export interface FrameListQuery {
  jobId: string;
  states: readonly FrameState[];
  verdicts: readonly Verdict[];
  step?: string | undefined;
  /** The lowest frame number wanted of each step. */
  from?: number | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Where a frame's picture and thumbnail are. */
export interface FrameImage {
  generation: number;
  objectKey: string | null;
  /** Of the picture. */
  bytes: number;
}

/** A step's place and a frame's number: the order of every list of frames. */
export const frameCursor = z.tuple([z.int32(), z.int32()]);

export class FrameQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** In the order of the steps, then by number. */
  async list(query: FrameListQuery): Promise<FramesPage> {
    const after = decodeCursor(frameCursor, query.cursor);
    const rows = await this.#ledger
      .selectFrom('steps')
      // One short index scan a step; the join ends as soon as the page is full.
      .innerJoinLateral(
        (lateral) =>
          lateral
            .selectFrom('frames')
            .selectAll('frames')
            .select((frame) => [
              outputsOf(this.#ledger, frame.ref('frames.step_key'), frame.ref('frames.number')),
              frame
                .selectFrom('attempts')
                .select('definition')
                .whereRef('attempts.id', '=', 'frames.attempt')
                .as('definition'),
            ])
            .whereRef('frames.step_key', '=', 'steps.key')
            .$if(query.states.length > 0, (q) => q.where('frames.state', 'in', query.states))
            .$if(query.verdicts.length > 0, (q) => q.where('frames.verdict', 'in', query.verdicts))
            .$if(query.from !== undefined, (q) => q.where('frames.number', '>=', query.from ?? 0))
            .$if(after !== undefined, (q) =>
              q.where(sql<boolean>`(steps.position > ${after?.[0]} OR frames.number > ${after?.[1]})`),
            )
            .orderBy('frames.number')
            .limit(query.limit + 1)
            .as('frame'),
        (join) => join.onTrue(),
      )
      .select(['steps.name as step', 'steps.position as step_position'])
      .selectAll('frame')
      .where('steps.job_id', '=', query.jobId)
      .$if(query.step !== undefined, (q) => q.where('steps.name', '=', query.step ?? ''))
      .$if(after !== undefined, (q) => q.where('steps.position', '>=', after?.[0] ?? 0))
      .orderBy('steps.position')
      .orderBy('frame.number')
      .limit(query.limit + 1)
      .execute();
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    return { frames: page.map(toFrame), next: last ? encodeCursor([last.step_position, last.number]) : null };
  }

  /** @throws FarmError `not-found` */
  async image(jobId: string, step: string, number: number): Promise<FrameImage> {
    const row = await this.#ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select(['frames.generation', 'frames.object_key', 'frames.bytes'])
      .where('steps.job_id', '=', jobId)
      .where('steps.name', '=', step)
      .where('frames.number', '=', number)
      .executeTakeFirst();
    if (!row) throw new FarmError('not-found', `Job ${jobId} has no frame ${number} in a step ${step}.`);
    return { generation: row.generation, objectKey: row.object_key, bytes: Number(row.bytes ?? 0) };
  }

  /** A finished picture of a job, if it has one. */
  somePicture(jobId: string): Promise<JobPicture | undefined> {
    return readJobPicture(this.#ledger, jobId);
  }

  /** The states of all frames, a byte each, made into one string a step by the database. */
  async grids(jobId: string): Promise<FrameGrid[]> {
    const letter = sql.join(
      FRAME_STATES.map((state, index) => sql`WHEN ${sql.lit(state)} THEN ${sql.lit(letterOf(index))}`),
      sql` `,
    );
    const rows = await this.#ledger
      .selectFrom('steps')
      .select(['steps.name', 'steps.spec', 'steps.frame_total'])
      .select((step) =>
        step
          .selectFrom('frames')
          .select(
            sql<string | null>`string_agg(CASE frames.state ${letter} END, '' ORDER BY frames.position)`.as(
              's',
            ),
          )
          .whereRef('frames.step_key', '=', 'steps.key')
          .where('steps.frame_total', '<=', MAX_GRID_FRAMES)
          .as('states'),
      )
      .where('steps.job_id', '=', jobId)
      .orderBy('steps.position')
      .execute();
    return rows
      .filter((row) => row.frame_total <= MAX_GRID_FRAMES)
      .map((row) => ({
        step: row.name,
        runs: row.spec.runs,
        states: statesOf(row.states ?? '', row.frame_total),
      }));
  }

  /** What the ledger says now of these frames of a job. */
  async changes(jobId: string, touched: ReadonlyMap<string, ReadonlySet<number>>): Promise<FrameChange[]> {
    const names = [...touched].flatMap(([step, numbers]) => Array.from(numbers, () => step));
    const numbers = [...touched.values()].flatMap((each) => [...each]);
    if (numbers.length === 0) return [];
    const { rows } = await sql<FrameChange>`
      SELECT steps.name AS step, frames.number, frames.state, frames.generation, frames.worker, frames.seconds, frames.error
      FROM unnest(${names}::text[], ${numbers}::int[]) AS wanted (step, number)
      JOIN steps ON steps.job_id = ${jobId} AND steps.name = wanted.step
      JOIN frames ON frames.step_key = steps.key AND frames.number = wanted.number`.execute(this.#ledger);
    return rows;
  }
}

const letterOf = (index: number): string => String.fromCharCode(0x41 + index);

/** Frames without a row yet (a large step is written in slices) wait. */
function statesOf(letters: string, total: number): Uint8Array {
  const states = new Uint8Array(total).fill(FRAME_STATES.indexOf('waiting'));
  for (let i = 0; i < letters.length && i < total; i++) states[i] = letters.charCodeAt(i) - 0x41;
  return states;
}

/** A frame's outputs beyond the main one, as a column `outputs`. */
export function outputsOf(ledger: Ledger, stepKey: Expression<string>, number: Expression<number>) {
  return jsonArrayFrom(
    ledger
      .selectFrom('frame_outputs')
      .select(['name', 'bytes', 'object_key as key', sql<string>`encode(sha256, 'hex')`.as('sha256')])
      .where('step_key', '=', stepKey)
      .where('number', '=', number)
      .orderBy('name'),
  ).as('outputs');
}

interface FrameRow {
  step: string;
  number: number;
  state: FrameState;
  generation: number;
  failures: number;
  worker: string | null;
  seconds: number | null;
  peak_memory_bytes: string | null;
  bytes: string | null;
  sha256: Buffer | null;
  object_key: string | null;
  warnings: string[] | null;
  error: string | null;
  verdict: Verdict | null;
  findings: Finding[] | null;
  definition: string | null;
  outputs: { name: string; bytes: string | number; key: string; sha256: string }[];
}

function toFrame(row: FrameRow): Frame {
  return {
    step: row.step,
    frame: row.number,
    state: row.state,
    generation: row.generation,
    attempt: row.failures + (row.state === 'done' ? 1 : 0),
    worker: row.worker,
    seconds: row.seconds,
    peakMemoryBytes: numberOf(row.peak_memory_bytes),
    bytes: numberOf(row.bytes),
    sha256: row.sha256?.toString('hex') ?? null,
    key: row.object_key,
    outputs: row.outputs.map((output) => ({ ...output, bytes: Number(output.bytes) })),
    warnings: row.warnings ?? [],
    error: row.error,
    verdict: row.verdict,
    findings: plain(row.findings),
    definition: row.definition,
  };
}

function numberOf(bigint: string | null): number | null {
  return bigint === null ? null : Number(bigint);
}
