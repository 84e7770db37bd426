import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { parseFrameSelection, type FrameRun } from '../../shared/domain/frame-ranges.ts';
import { JobFileNames } from '../../shared/domain/job-file-names.ts';
import { MAIN_OUTPUT } from '../../shared/domain/output-pattern.ts';
import type { JobState } from '../../shared/domain/states.ts';
import { outputsOf } from './frame-queries.ts';
import { inRuns, mostFrames, type ResultSelection } from './result-selection.ts';

/** An accepted file with what is known of it. */
export interface ResultFile {
  name: string;
  step: string;
  frame: number;
  output: string;
  /** Of its object. */
  key: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
  worker: string | null;
  engine: string;
  engineVersion: string | null;
  /** What its engine was run by. */
  definition: string | null;
  /** That the frame took. */
  seconds: number | null;
  verdict: string | null;
}

/** A step's place and a frame's number: where a page ended. */
export type ResultPlace = readonly [position: number, frame: number];

export interface ResultPage {
  files: ResultFile[];
  /** Undefined after the last page. */
  next: ResultPlace | undefined;
}

/** A job's files, selected and named. */
export interface JobResults {
  job: {
    id: string;
    name: string;
    project: string;
    labels: Record<string, string>;
    state: JobState;
    finishedAt: Date | null;
  };
  selection: ResultSelection;
  /** What the selection's `frames` say; undefined: all. */
  runs: readonly FrameRun[] | undefined;
  names: JobFileNames;
}

const FRAMES_A_PAGE = 500;

/** Accepted files of jobs, page by page: a job may have millions. */
export class ResultReader {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * @param pattern names the files, instead of what the job says
   * @throws FarmError `not-found` for an unknown job, `invalid` for a pattern that does not tell the files apart
   */
  async open(jobId: string, selection: ResultSelection, pattern?: string): Promise<JobResults> {
    const job = await this.#ledger
      .selectFrom('jobs')
      .select(['id', 'name', 'project', 'labels', 'state', 'finished_at as finishedAt'])
      .where('id', '=', jobId)
      .executeTakeFirst();
    if (!job) throw new FarmError('not-found', `There is no job ${jobId}.`);
    const steps = await this.#ledger
      .selectFrom('steps')
      .select(['name', 'frame_total'])
      .select(sql<string>`spec->'output'->>'pattern'`.as('pattern'))
      .where('job_id', '=', jobId)
      .orderBy('position')
      .execute();
    // Without a pattern of their own names depend on all steps, whichever are selected: they are the same each time.
    const named =
      pattern === undefined ? steps : steps.filter(({ name }) => [name, undefined].includes(selection.step));
    const runs = selection.frames === undefined ? undefined : parseFrameSelection(selection.frames);
    const most = mostFrames(runs);
    const names = new JobFileNames(
      job,
      named.map((step) => ({ ...step, frames: Math.min(step.frame_total, most) })),
      pattern,
    );
    return { job, selection, runs, names };
  }

  /** In the order of the steps, then by frame; all files of a frame are on one page. */
  async page(
    results: JobResults,
    after: ResultPlace | undefined,
    frames = FRAMES_A_PAGE,
  ): Promise<ResultPage> {
    const rows = await this.#frames(results, after, frames + 1);
    const page = rows.slice(0, frames);
    const last = rows.length > frames ? page.at(-1) : undefined;
    return {
      files: page.flatMap((frame) => filesOf(frame, results)),
      next: last ? [last.step_position, last.number] : undefined,
    };
  }

  /** Every selected file; the next page is read when this one has been taken. */
  async *files(results: JobResults): AsyncGenerator<ResultFile> {
    let place: ResultPlace | undefined;
    do {
      const page: ResultPage = await this.page(results, place);
      yield* page.files;
      place = page.next;
    } while (place !== undefined);
  }

  /** How many files are selected by now, and their bytes. */
  async count({ job, selection, runs }: JobResults): Promise<{ files: number; bytes: number }> {
    const { step, output } = selection;
    const rows = await this.#ledger
      .selectFrom('steps')
      .innerJoin('frames', 'frames.step_key', 'steps.key')
      .leftJoinLateral(
        (lateral) =>
          lateral
            .selectFrom('frame_outputs')
            .select(sql<number>`count(*)::int`.as('files'))
            .select(sql<string>`coalesce(sum(frame_outputs.bytes), 0)`.as('bytes'))
            .whereRef('frame_outputs.step_key', '=', 'frames.step_key')
            .whereRef('frame_outputs.number', '=', 'frames.number')
            .$if(output !== undefined, (q) => q.where('frame_outputs.name', '=', output ?? ''))
            .as('other'),
        (join) => join.onTrue(),
      )
      .select(sql<number>`coalesce(sum(other.files), 0)::int`.as('otherFiles'))
      .select(sql<string>`coalesce(sum(other.bytes), 0)::bigint`.as('otherBytes'))
      .select(sql<number>`count(*)::int`.as('mainFiles'))
      .select(sql<string>`coalesce(sum(frames.bytes), 0)::bigint`.as('mainBytes'))
      .where('steps.job_id', '=', job.id)
      .where('frames.state', '=', 'done')
      .where('frames.object_key', 'is not', null)
      .$if(step !== undefined, (q) => q.where('steps.name', '=', step ?? ''))
      .$if(runs !== undefined, (q) => q.where(inRuns(runs ?? [], sql.ref('frames.number'))))
      .executeTakeFirstOrThrow();
    const main = output === undefined || output === MAIN_OUTPUT;
    return {
      files: rows.otherFiles + (main ? rows.mainFiles : 0),
      bytes: Number(rows.otherBytes) + (main ? Number(rows.mainBytes) : 0),
    };
  }

  async #frames({ job, selection, runs }: JobResults, after: ResultPlace | undefined, limit: number) {
    const { step, from } = selection;
    return this.#ledger
      .selectFrom('steps')
      .innerJoinLateral(
        (lateral) =>
          lateral
            .selectFrom('frames')
            .select(['frames.number', 'frames.object_key', 'frames.bytes', 'frames.worker', 'frames.seconds'])
            .select('frames.verdict')
            .select(sql<string | null>`encode(frames.sha256, 'hex')`.as('sha256'))
            .select((frame) => [
              outputsOf(this.#ledger, frame.ref('frames.step_key'), frame.ref('frames.number')),
              frame
                .selectFrom('attempts')
                .select('definition')
                .whereRef('attempts.id', '=', 'frames.attempt')
                .as('definition'),
            ])
            .whereRef('frames.step_key', '=', 'steps.key')
            .where('frames.state', '=', 'done')
            .where('frames.object_key', 'is not', null)
            .$if(from !== undefined, (q) => q.where('frames.number', '>=', from ?? 0))
            .$if(runs !== undefined, (q) => q.where(inRuns(runs ?? [], sql.ref('frames.number'))))
            .$if(after !== undefined, (q) =>
              q.where(sql<boolean>`(steps.position > ${after?.[0]} OR frames.number > ${after?.[1]})`),
            )
            .orderBy('frames.number')
            .limit(limit)
            .as('frame'),
        (join) => join.onTrue(),
      )
      .select([
        'steps.name as step',
        'steps.position as step_position',
        'steps.engine',
        'steps.engine_version',
      ])
      .selectAll('frame')
      .where('steps.job_id', '=', job.id)
      .$if(step !== undefined, (q) => q.where('steps.name', '=', step ?? ''))
      .$if(after !== undefined, (q) => q.where('steps.position', '>=', after?.[0] ?? 0))
      .orderBy('steps.position')
      .orderBy('frame.number')
      .limit(limit)
      .execute();
  }
}

interface FrameRow {
  step: string;
  step_position: number;
  engine: string;
  engine_version: string | null;
  number: number;
  object_key: string | null;
  bytes: string | null;
  sha256: string | null;
  worker: string | null;
  seconds: number | null;
  definition: string | null;
  verdict: string | null;
  outputs: { name: string; key: string; bytes: string | number; sha256: string }[];
}

/** A frame's selected files; their names do not depend on which are selected. */
function filesOf(frame: FrameRow, { names, selection }: JobResults): ResultFile[] {
  const main = {
    name: MAIN_OUTPUT,
    key: frame.object_key ?? '',
    bytes: frame.bytes ?? 0,
    sha256: frame.sha256 ?? '',
  };
  const outputs = [main, ...frame.outputs];
  const fileNames = names.ofFrame(
    frame.step,
    frame.number,
    outputs.map(({ name, key }) => ({ output: name, ext: extensionOf(key) })),
  );
  const files = outputs.map(({ name, key, bytes, sha256 }, index): ResultFile => ({
    name: fileNames[index] ?? '',
    step: frame.step,
    frame: frame.number,
    output: name,
    key,
    bytes: Number(bytes),
    sha256,
    worker: frame.worker,
    engine: frame.engine,
    engineVersion: frame.engine_version,
    definition: frame.definition,
    seconds: frame.seconds,
    verdict: frame.verdict,
  }));
  return files.filter(({ output }) => selection.output === undefined || selection.output === output);
}

function extensionOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
