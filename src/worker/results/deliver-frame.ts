import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameRef, FrameResult, OutputFile } from '../../shared/contracts/messages.ts';
import { isOwnThumbnail } from '../../shared/domain/own-thumbnail.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { storableText } from '../../shared/domain/text.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { previewKey, resultFile, resultKey } from '../../shared/storage/keys.ts';
import type { ProducedFile, RenderedFrame } from '../engines/engine.ts';
import type { ObjectStore } from '../object-store.ts';
import { contentTypeOf, formatOf } from '../../shared/quality/file-formats.ts';
import { qualityOf, type OutputLook } from './frame-quality.ts';
import { lookAtFile, type LookedAt, type LookOptions } from './look-at-file.ts';
import { canBePreviewed, makePreview } from './make-preview.ts';
import type { PreviewHelper } from '../previews/preview-helper.ts';

/** Most warnings, and most characters of one, that a frame's result takes along. */
const MAX_WARNINGS = 20;
const MAX_WARNING_LENGTH = 1_000;
/** A preview is not worth more than so much waiting for the storage. */
const PREVIEW_SECONDS = 30;
/** Large pictures of light take a second each. Fewer than the frames that are delivered at once: rendering waits for those. */
const MOST_WAITING = 2;

export interface DeliveryTarget extends LookOptions {
  jobId: string;
  step: string;
  attempt: string;
  helper: PreviewHelper;
}

/** What a frame without files stores: an engine that measures the farm. */
const NOTHING: OutputFile = { name: 'main', key: null, bytes: 0, sha256: null };

/**
 * Looks at every file of a frame and stores it under the attempt's own key. What its checks find goes with the result: the
 * farm decides what becomes of it.
 * @throws EngineFailure `bad-output`; the signal's reason when it aborts
 */
export async function deliverFrame(
  frame: FrameRef,
  rendered: RenderedFrame,
  target: DeliveryTarget,
  store: ObjectStore,
): Promise<FrameResult> {
  const looks: OutputLook[] = [];
  const outputs = await Promise.all(
    rendered.files.map(async (file, index) => {
      const looked = await lookAtFile(file.path, frame.number, target);
      looks[index] = { name: file.name, judged: looked.judged, thumbnail: looked.thumbnail };
      return await deliverFile(frame, file, looked, target, store);
    }),
  );
  const warnings = rendered.warnings
    .slice(0, MAX_WARNINGS)
    .map((text) => storableText(text, MAX_WARNING_LENGTH));
  const quality = target.policy?.mode === 'off' ? null : qualityOf(looks);
  return {
    number: frame.number,
    generation: frame.generation,
    seconds: rendered.seconds,
    peakMemoryBytes: rendered.peakMemoryBytes,
    outputs: outputs.length === 0 ? [NOTHING] : outputs,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(quality === null ? {} : { quality }),
  };
}

async function deliverFile(
  frame: FrameRef,
  { name, path }: ProducedFile,
  { bytes, sha256, memory }: LookedAt,
  target: DeliveryTarget,
  store: ObjectStore,
): Promise<OutputFile> {
  const { jobId, step, attempt, signal, looker } = target;
  const key = resultKey({ jobId, step, attempt, file: resultFile(name, frame.number, formatOf(path)) });
  const body = memory === null ? undefined : Buffer.from(memory, 0, bytes);
  await store.put(key, { path, bytes, sha256, ...(body && { body }) }, contentTypeOf(path), signal);
  // Where sending it failed, a connection may still hold it.
  if (memory !== null) looker.giveBack(memory);
  return { name, key, bytes, sha256 };
}

/** Stores a small picture of the main output, unless that is small itself. It is for eyes only: where it fails, that is logged and nothing else. */
export async function deliverPreview(
  frame: FrameRef,
  picture: string,
  pictureBytes: number,
  target: DeliveryTarget,
  store: ObjectStore,
  log: Logger,
): Promise<void> {
  const { helper, ffmpeg } = target;
  if (!canBePreviewed(picture, ffmpeg) || isOwnThumbnail(picture, pictureBytes)) return;
  // Rendering does not wait for what is only looked at.
  if (helper.waiting >= MOST_WAITING) {
    log.info({ frame: frame.number }, 'no preview was made: too many are waiting');
    return;
  }
  const folder = join(await target.workDir(), `preview-${frame.number}-${frame.generation}`);
  const path = join(folder, 'stored.webp');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const bytes = await makePreview(picture, { helper, ffmpeg, folder, signal: target.signal });
    await writeFile(path, bytes, { mode: 0o600 });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const key = previewKey({ ...target, frame: frame.number, generation: frame.generation });
    const signal = AbortSignal.any([target.signal, AbortSignal.timeout(PREVIEW_SECONDS * 1000)]);
    await store.put(key, { path, bytes: bytes.byteLength, sha256 }, 'image/webp', signal);
  } catch (error) {
    if (!target.signal.aborted)
      log.warn({ frame: frame.number, reason: messageOf(error) }, 'no preview was made');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
