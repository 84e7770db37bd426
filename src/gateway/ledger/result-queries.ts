import { sql } from 'kysely';
import type { ResultsPage } from '../../shared/contracts/api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import {
  MAIN_OUTPUT,
  formatOutputName,
  parseOutputPattern,
  type OutputPattern,
} from '../../shared/domain/output-pattern.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { frameCursor, outputsOf } from './frame-queries.ts';

export interface ResultListQuery {
  jobId: string;
  step?: string | undefined;
  from?: number | undefined;
  limit: number;
  cursor?: string | undefined;
}

interface ResultFrame {
  job_name: string;
  project: string;
  step: string;
  pattern: string;
  step_position: number;
  number: number;
  object_key: string | null;
  bytes: string | null;
  sha256: string | null;
  outputs: { name: string; key: string; bytes: string | number; sha256: string }[];
}

/** Accepted files with the names that people see, and links to them. */
export class ResultQueries {
  readonly #ledger: Ledger;
  readonly #objects: ObjectStore;

  constructor(ledger: Ledger, objects: ObjectStore) {
    this.#ledger = ledger;
    this.#objects = objects;
  }

  /** In the order of the steps, then by frame; all files of a frame are on one page. */
  async list(query: ResultListQuery): Promise<ResultsPage> {
    const rows = await this.#frames(query);
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const patterns = new Map<string, OutputPattern>();
    const files = await Promise.all(page.flatMap((frame) => this.#filesOf(frame, patterns)));
    return { files, next: last ? encodeCursor([last.step_position, last.number]) : null };
  }

  async #frames(query: ResultListQuery): Promise<ResultFrame[]> {
    const after = decodeCursor(frameCursor, query.cursor);
    return this.#ledger
      .selectFrom('jobs')
      .innerJoin('steps', 'steps.job_id', 'jobs.id')
      .innerJoinLateral(
        (lateral) =>
          lateral
            .selectFrom('frames')
            .select(['frames.number', 'frames.object_key', 'frames.bytes'])
            .select(sql<string | null>`encode(frames.sha256, 'hex')`.as('sha256'))
            .select((frame) => [
              outputsOf(this.#ledger, frame.ref('frames.step_key'), frame.ref('frames.number')),
            ])
            .whereRef('frames.step_key', '=', 'steps.key')
            .where('frames.state', '=', 'done')
            .where('frames.object_key', 'is not', null)
            .$if(query.from !== undefined, (q) => q.where('frames.number', '>=', query.from ?? 0))
            .$if(after !== undefined, (q) =>
              q.where(sql<boolean>`(steps.position > ${after?.[0]} OR frames.number > ${after?.[1]})`),
            )
            .orderBy('frames.number')
            .limit(query.limit + 1)
            .as('frame'),
        (join) => join.onTrue(),
      )
      .select([
        'jobs.name as job_name',
        'jobs.project',
        'steps.name as step',
        'steps.position as step_position',
      ])
      .select(sql<string>`steps.spec->'output'->>'pattern'`.as('pattern'))
      .selectAll('frame')
      .where('jobs.id', '=', query.jobId)
      .$if(query.step !== undefined, (q) => q.where('steps.name', '=', query.step ?? ''))
      .$if(after !== undefined, (q) => q.where('steps.position', '>=', after?.[0] ?? 0))
      .orderBy('steps.position')
      .orderBy('frame.number')
      .limit(query.limit + 1)
      .execute();
  }

  #filesOf(
    frame: ResultFrame,
    patterns: Map<string, OutputPattern>,
  ): Promise<ResultsPage['files'][number]>[] {
    const pattern = patterns.get(frame.pattern) ?? parseOutputPattern(frame.pattern);
    patterns.set(frame.pattern, pattern);
    const main = {
      name: MAIN_OUTPUT,
      key: frame.object_key ?? '',
      bytes: frame.bytes ?? 0,
      sha256: frame.sha256 ?? '',
    };
    return [main, ...frame.outputs].map(async (output) => {
      const name = formatOutputName(pattern, {
        job: frame.job_name,
        project: frame.project,
        step: frame.step,
        output: output.name,
        frame: frame.number,
        ext: extensionOf(output.key),
      });
      const url = await this.#objects.signDownload(output.key, name);
      const { bytes, sha256 } = output;
      return {
        step: frame.step,
        frame: frame.number,
        output: output.name,
        name,
        bytes: Number(bytes),
        sha256,
        url,
      };
    });
  }
}

function extensionOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
