import { sql } from 'kysely';
import type { Preview } from '../../shared/contracts/api.ts';
import type { PreviewKind } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { StepSpec } from '../../shared/database/schema.ts';
import { stepMark } from '../../shared/database/step-mark.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { everyNth, hasPictures, previewFps } from '../../shared/domain/preview-plan.ts';
import { isEndedJob, type JobState } from '../../shared/domain/states.ts';
import type { ObjectStore } from '../storage/object-store.ts';

interface PreviewRow {
  state: JobState;
  spec: StepSpec;
  total: number;
  done: number;
  mark: string;
  madeMark: string | null;
  objectKey: string | null;
  bytes: string | null;
  frames: number | null;
  failures: number | null;
  error: string | null;
  madeAt: Date | null;
}

/** Contact sheets and proxy videos: says that somebody wants one, and what there is of it. */
export class PreviewWishes {
  readonly #ledger: Ledger;
  readonly #objects: ObjectStore;

  constructor(ledger: Ledger, objects: ObjectStore) {
    this.#ledger = ledger;
    this.#objects = objects;
  }

  /** @throws FarmError `not-found` for a step that the job does not have */
  async ask(jobId: string, step: string, kind: PreviewKind): Promise<Preview> {
    const row = await this.#look(jobId, step, kind);
    if (!row) throw new FarmError('not-found', `Job ${jobId} has no step ${step}.`);
    const shows = hasPictures(row.spec.output.format);
    if (shows) await this.#wish(jobId, step, kind);
    const url = row.objectKey === null ? null : await this.#objects.signDownload(row.objectKey);
    return {
      ...{ kind, step, url },
      ...standingOf(row, shows),
      frames: {
        shown: row.frames ?? 0,
        done: row.done,
        total: row.total,
        everyNth: everyNth(kind, row.total),
      },
      fps: kind === 'proxy' ? previewFps(row.spec.output.fps, everyNth(kind, row.total)) : null,
      bytes: row.bytes === null ? null : Number(row.bytes),
      madeAt: row.madeAt?.toISOString() ?? null,
    };
  }

  async #look(jobId: string, step: string, kind: PreviewKind): Promise<PreviewRow | undefined> {
    const { rows } = await sql<PreviewRow>`
      SELECT s.state, s.spec, s.frame_total AS total, s.done, ${stepMark('s')} AS mark, p.made_mark AS "madeMark",
        p.object_key AS "objectKey", p.bytes, p.frames, p.failures, p.error, p.made_at AS "madeAt"
      FROM steps s LEFT JOIN previews p ON p.job_id = s.job_id AND p.step = s.name AND p.kind = ${kind}
      WHERE s.job_id = ${jobId} AND s.name = ${step}`.execute(this.#ledger);
    return rows[0];
  }

  async #wish(jobId: string, step: string, kind: PreviewKind): Promise<void> {
    await sql`
      INSERT INTO previews (job_id, step, kind) VALUES (${jobId}, ${step}, ${kind})
      ON CONFLICT (job_id, step, kind) DO UPDATE SET wanted_at = now()`.execute(this.#ledger);
  }
}

function standingOf(row: PreviewRow, shows: boolean): Pick<Preview, 'state' | 'reason'> {
  if (!shows)
    return { state: 'none', reason: `The results of this step are ${row.spec.output.format}, not pictures.` };
  if (row.failures !== null && row.failures > 0) return { state: 'failed', reason: row.error };
  if (row.done === 0 && row.objectKey === null) {
    const ended = isEndedJob(row.state);
    return { state: 'none', reason: ended ? 'No frame of it was rendered.' : 'No frame of it is done yet.' };
  }
  // While the step runs, what was made last is good until enough is new.
  const isNew = row.madeMark === row.mark || (!isEndedJob(row.state) && row.objectKey !== null);
  return { state: isNew ? 'ready' : 'making', reason: null };
}
