import { DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import {
  previewDoneRequestSchema,
  previewRequestSchema,
  type PreviewDoneReply,
  type PreviewDoneRequest,
  type PreviewReply,
} from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { everyNth, previewFps, previewNumbers } from '../../shared/domain/preview-plan.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { isPreviewKey, stepPreviewKey } from '../../shared/storage/keys.ts';
import { PreviewStore, type OrderedPreview } from './preview-store.ts';

const PAGE = 1_000;

/** Answers workers that make previews, and takes what they made. */
export class PreviewQuestions {
  readonly #ledger: Ledger;
  readonly #store: PreviewStore;
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #log: Logger;

  constructor(ledger: Ledger, s3: S3Client, bucket: string, log: Logger) {
    this.#ledger = ledger;
    this.#store = new PreviewStore(ledger);
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#log = log;
  }

  /** What an order is made of, a page at a time. */
  async begin(workerId: string, data: Uint8Array): Promise<PreviewReply> {
    const request = decodeMessage(previewRequestSchema, data, 'The question');
    const ordered = await this.#store.begin(request.order, workerId);
    if (!ordered) return { gone: true };
    const { jobId, step, kind, spec } = ordered;
    const numbers = previewNumbers(spec.runs, kind);
    const nth = everyNth(
      kind,
      spec.runs.reduce((sum, { count }) => sum + count, 0),
    );
    const { after } = request;
    const wanted = numbers.filter((number) => after === null || number > after);
    const page = wanted.slice(0, PAGE);
    const frames = await this.#frames(ordered, page);
    const fps = previewFps(spec.output.fps, nth);
    return { jobId, step, kind, fps, frames, more: wanted.length > page.length };
  }

  /** A frame without a row yet, of a step that is still being written, waits. */
  async #frames(
    { stepKey }: OrderedPreview,
    numbers: readonly number[],
  ): Promise<Extract<PreviewReply, { frames: unknown }>['frames']> {
    if (numbers.length === 0) return [];
    const rows = await this.#ledger
      .selectFrom('frames')
      .select(['number', 'state', 'object_key'])
      .where('step_key', '=', stepKey)
      .where('number', 'in', numbers)
      .execute();
    const known = new Map(rows.map((row) => [row.number, row]));
    return numbers.map((frame) => {
      const row = known.get(frame);
      const state = row?.state ?? 'waiting';
      return { frame, state, key: state === 'done' ? (row?.object_key ?? null) : null };
    });
  }

  async done(workerId: string, data: Uint8Array): Promise<PreviewDoneReply> {
    const { order, outcome } = decodeMessage(previewDoneRequestSchema, data, 'The report');
    if ('error' in outcome)
      this.#log.warn({ order, worker: workerId, reason: outcome.error }, 'a preview was not made');
    const ordered = await this.#store.begin(order, workerId);
    if (ordered) {
      const finished = await this.#store.finish(order, workerId, checked(ordered, outcome));
      if (finished?.obsolete) await this.#remove(finished.obsolete);
    } else if ('key' in outcome && isPreviewKey(outcome.key) && !(await this.#store.isShown(outcome.key))) {
      // The order no longer counts, or its job is gone.
      await this.#remove(outcome.key);
    }
    return { ok: true };
  }

  /** What is not removed now goes with the job. */
  async #remove(key: string): Promise<void> {
    try {
      await this.#s3.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
    } catch (error) {
      this.#log.warn({ key, reason: messageOf(error) }, 'an old preview could not be removed');
    }
  }
}

/** Nothing but what was ordered is shown. */
function checked(
  { jobId, step, kind }: OrderedPreview,
  outcome: PreviewDoneRequest['outcome'],
): PreviewDoneRequest['outcome'] {
  if ('error' in outcome) return outcome;
  const extension = kind === 'proxy' ? 'mp4' : 'jpg';
  if (outcome.key === stepPreviewKey({ jobId, step, kind, sha256: outcome.sha256, extension }))
    return outcome;
  return { error: `The worker stored it as ${outcome.key}, which is no place for it.` };
}
