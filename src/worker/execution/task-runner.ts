import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { definitionFor } from '../../shared/engines/read-definition.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import type { TaskMessage } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { IN_PROGRESS_EVERY_MS } from '../../shared/messaging/streams.ts';
import { hashFile } from '../../shared/storage/hash-file.ts';
import { logKey } from '../../shared/storage/keys.ts';
import { fetchInputs, type AskInputs, type FetchedInputs } from '../assets/fetch-inputs.ts';
import { wantedInputs } from '../assets/wanted-inputs.ts';
import type { RenderedFrame } from '../engines/engine.ts';
import type { EngineRegistry } from '../engines/engine-registry.ts';
import type { ObjectStore } from '../object-store.ts';
import type { FileLooker } from '../results/looking/file-looker.ts';
import type { PreviewHelper } from '../previews/preview-helper.ts';
import { AttemptLog } from '../reporting/attempt-log.ts';
import {
  AttemptReporter,
  type AttemptOutcome,
  type ReporterIdentity,
} from '../reporting/attempt-reporter.ts';
import type { DiskWatch } from '../reporting/disk-watch.ts';
import type { FarmAsks } from '../reporting/farm-asks.ts';
import { ProgressReporter, publishLogPiece, type LivePublisher } from '../reporting/live-reports.ts';
import type { StatusOutbox } from '../reporting/status-outbox.ts';
import type { SessionPool } from '../sessions/session-pool.ts';
import type { AttemptRegistry } from './attempt-registry.ts';
import type { Attempt } from './attempt.ts';
import { classifyFailure, isDiskFull } from './classify-failure.ts';
import { FrameDeliveries } from './frame-deliveries.ts';
import { withoutThumbnail } from '../results/frame-quality.ts';
import { FrameFailed, FrameRenderer } from './render-frames.ts';
import type { TaskAcks } from './task-acks.ts';
import type { WorkerMetrics } from '../telemetry/worker-metrics.ts';
import type { GpuSlots } from '../hardware/gpus.ts';
import type { StorageRoots } from '../roots/storage-roots.ts';
import { assertUnchanged, storageFor, type TaskStorage } from '../roots/task-storage.ts';
import type { SessionShare } from '../sessions/open-session.ts';
import { shareOf, type WorkerSettings } from '../settings.ts';

export interface TaskRunnerParts {
  identity: ReporterIdentity;
  /** Folder in which each attempt gets one of its own. */
  folder: string;
  registry: AttemptRegistry;
  engines: EngineRegistry;
  pool: SessionPool;
  store: ObjectStore;
  looker: FileLooker;
  outbox: StatusOutbox;
  asks: FarmAsks;
  acks: TaskAcks;
  previewHelper: PreviewHelper;
  publishLive: LivePublisher;
  disk: DiskWatch;
  settings: WorkerSettings;
  gpus: GpuSlots;
  roots: StorageRoots;
  metrics: WorkerMetrics;
  log: Logger;
}

/** Runs attempts from their delivery to their ack. */
export class TaskRunner {
  readonly #parts: TaskRunnerParts;

  constructor(parts: TaskRunnerParts) {
    this.#parts = parts;
  }

  /**
   * Takes an attempt. Resolves as soon as its engine is free for another task; checking, uploading and reporting of the
   * last frames go on beside. Never rejects: whatever goes wrong is the attempt's outcome.
   */
  run(attempt: Attempt): Promise<void> {
    return new Promise((engineIsFree) => {
      void new AttemptRun(attempt, this.#parts).toTheEnd(engineIsFree);
    });
  }
}

class AttemptRun {
  readonly #attempt: Attempt;
  readonly #parts: TaskRunnerParts;
  readonly #reporter: AttemptReporter;
  readonly #attemptLog: AttemptLog;
  readonly #progress: ProgressReporter;
  readonly #log: Logger;
  readonly #storesFiles: boolean;
  readonly #gpus: number[];
  readonly #share: SessionShare;
  #folder: Promise<string> | undefined;

  constructor(attempt: Attempt, parts: TaskRunnerParts) {
    const { identity, outbox, publishLive } = parts;
    this.#attempt = attempt;
    this.#parts = parts;
    this.#reporter = new AttemptReporter(attempt, outbox, identity);
    this.#progress = new ProgressReporter(attempt, identity.workerId, publishLive);
    this.#attemptLog = new AttemptLog({
      folder: () => this.#makeFolder(),
      publish: (offset, text) => publishLogPiece(attempt, offset, text, publishLive),
    });
    this.#log = parts.log.child({ jobId: attempt.task.jobId, attempt: attempt.id });
    this.#storesFiles = attempt.task.output.format !== 'none';
    const { settings, gpus } = parts;
    this.#gpus = gpus.take(attempt.task.gpus);
    this.#share = { ...shareOf(settings, attempt.task.slots), environment: gpus.environment(this.#gpus) };
  }

  async toTheEnd(engineIsFree: () => void): Promise<void> {
    const { registry, acks } = this.#parts;
    registry.add(this.#attempt);
    this.#reporter.started();
    const working = setInterval(() => acks.working(this.#attempt.deliveries), IN_PROGRESS_EVERY_MS);
    const deliveries = this.#createDeliveries();
    const failure = await this.#render(deliveries).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    this.#parts.gpus.giveBack(this.#gpus);
    engineIsFree();
    await deliveries.recorded();
    const outcome = await this.#outcome(failure, deliveries);
    await this.#reporter.finish(outcome, await this.#storeLog(outcome));
    clearInterval(working);
    if (this.#storesFiles) await acks.ack(this.#attempt.deliveries);
    else acks.ackUnconfirmed(this.#attempt.deliveries);
    await this.#cleanUp(deliveries);
    registry.remove(this.#attempt);
  }

  #createDeliveries(): FrameDeliveries {
    const { store, engines } = this.#parts;
    const { task, id, stopSignal } = this.#attempt;
    const makeFolder = (): Promise<string> => this.#makeFolder();
    const target = {
      jobId: task.jobId,
      step: task.step,
      attempt: id,
      output: task.output,
      policy: task.quality,
      looker: this.#parts.looker,
      helper: this.#parts.previewHelper,
      ffmpeg: engines.programOf('ffmpeg'),
      workDir: makeFolder,
      signal: stopSignal,
    };
    return new FrameDeliveries({
      target,
      store,
      log: this.#log,
      onDone: (result, rendered) => {
        this.#attempt.addDone(withoutThumbnail(result));
        this.#reporter.frameDone(result);
        this.#parts.metrics.rendered(task.engine, rendered.seconds);
        if (this.#storesFiles) this.#logFrame(result.number, rendered);
      },
    });
  }

  async #render(deliveries: FrameDeliveries): Promise<void> {
    const { engines, pool, roots, identity } = this.#parts;
    const { task, stopSignal } = this.#attempt;
    // A newer definition counts for the next task.
    const found = engines.get(task.engine);
    this.#reporter.runsBy(found.definition);
    if (this.#attempt.isUnsure) await this.#askWhatIsWanted();
    if (this.#attempt.openFrames.length === 0) return;
    const storage = await storageFor(task, found.engine, roots, identity.workerId);
    const renderer = new FrameRenderer({
      attempt: this.#attempt,
      request: { ...found, task, share: this.#share, storage },
      pool,
      deliveries,
      inputs: await this.#fetchInputs(task, stopSignal),
      folder: () => this.#makeFolder(),
      storesFiles: this.#storesFiles,
      log: (line) => this.#attemptLog.line(line),
      onProgress: (frame, fraction, note) => {
        this.#attempt.noteProgress(frame, fraction);
        this.#progress.report(frame, fraction, note);
      },
    });
    await renderer.run().catch((error: unknown) => this.#explain(error, storage));
  }

  /** What an engine says when its scene was taken away under it is anybody's guess. @throws always */
  async #explain(error: unknown, storage: TaskStorage): Promise<never> {
    const { roots, identity } = this.#parts;
    try {
      if (!this.#attempt.stopSignal.aborted) await assertUnchanged(storage, roots, identity.workerId);
    } catch (clearer) {
      throw error instanceof FrameFailed ? new FrameFailed(error.frame, clearer) : clearer;
    }
    throw error;
  }

  async #askWhatIsWanted(): Promise<void> {
    const { asks, identity } = this.#parts;
    const { task, id, stopSignal, openFrames } = this.#attempt;
    const { taskId, jobId, feed } = task;
    const place = { version: 1, taskId, jobId, attempt: id, feed, instance: identity.instance } as const;
    const { wanted } = await asks.resume({ ...place, frames: openFrames, current: null }, stopSignal);
    this.#attempt.keepOnly(wanted);
  }

  async #fetchInputs(task: TaskMessage, signal: AbortSignal): Promise<FetchedInputs> {
    if (Object.keys(task.inputs).length === 0) return { inputs: {}, missing: {} };
    const { asks, store, engines } = this.#parts;
    const ask: AskInputs = ({ job = task.jobId, step }, after, limit) =>
      asks.inputs({ version: 1, jobId: job, step, after, limit, withMissing: true }, signal);
    const loaded = engineCatalogue().definition(task.engine);
    const { version } = engines.get(task.engine).detected;
    const place = {
      folder: join(await this.#makeFolder(), 'inputs'),
      wanted: loaded ? wantedInputs(definitionFor(loaded, version), task) : null,
    };
    return fetchInputs(task.inputs, place, ask, store, signal);
  }

  #logFrame(frame: number, { seconds, files, warnings }: RenderedFrame): void {
    const names = files.map(({ name }) => name).join(', ');
    this.#attemptLog.line(`[farmhand] Frame ${frame} is done after ${seconds.toFixed(2)} s: ${names}`);
    for (const warning of warnings) this.#attemptLog.line(`[farmhand] Frame ${frame}: ${warning}`);
  }

  async #outcome(failure: { error: unknown } | null, deliveries: FrameDeliveries): Promise<AttemptOutcome> {
    const reason = this.#attempt.releaseReason;
    if (this.#attempt.openFrames.length === 0) return { type: 'completed' };
    if (this.#attempt.stopSignal.aborted) return { type: 'released', reason: reason ?? 'stopped' };
    const { error, frame } = causeOf(failure, deliveries);
    if (error === undefined) return { type: 'released', reason: reason ?? 'the rest was given back' };
    // An engine that finds no room for its file says so in a hundred ways; the disk itself says it in one.
    const diskFull = isDiskFull(error) || (await this.#parts.disk.isFull());
    const { class: failureClass, message } = classifyFailure(error, diskFull);
    if (failureClass === 'host')
      this.#log.error({ err: error }, 'an attempt failed for a reason of this machine');
    // Whoever has been answered and asks once more would do so for ever: nobody pays for the question.
    const asksAgain =
      failureClass === 'untrusted-scripts' && this.#attempt.task.settings['trustScripts'] !== undefined;
    const known = asksAgain ? 'scene' : failureClass;
    return { type: 'failed', class: known, message, failedFrame: diskFull ? null : frame };
  }

  /** @returns the log's key; null when nothing was logged or it could not be stored */
  async #storeLog(outcome: AttemptOutcome): Promise<string | null> {
    if (outcome.type === 'failed')
      this.#attemptLog.line(`[farmhand] Failed (${outcome.class}): ${outcome.message}`);
    try {
      const path = await this.#attemptLog.finish();
      if (path === null) return null;
      const { task, delivery, stopSignal } = this.#attempt;
      const key = logKey({ jobId: task.jobId, taskId: task.taskId, feed: task.feed, delivery });
      const signal = stopSignal.aborted ? AbortSignal.timeout(2_000) : stopSignal;
      const file = { path, ...(await hashFile(path)) };
      await this.#parts.store.put(key, file, 'application/zstd', signal);
      return key;
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, 'the log of an attempt was not stored');
      return null;
    }
  }

  #makeFolder(): Promise<string> {
    this.#folder ??= (async () => {
      const folder = join(this.#parts.folder, this.#attempt.id);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    })();
    return this.#folder;
  }

  async #cleanUp(deliveries: FrameDeliveries): Promise<void> {
    try {
      await deliveries.idle();
      if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
    } catch (error) {
      this.#log.error({ err: error }, 'the folder of an attempt could not be removed');
    }
  }
}

/** What ended the attempt: a frame that failed, a delivery, or what came before the first frame. */
function causeOf(
  failure: { error: unknown } | null,
  deliveries: FrameDeliveries,
): { error: unknown; frame: number | null } {
  if (failure?.error instanceof FrameFailed)
    return { error: failure.error.cause, frame: failure.error.frame };
  if (failure) return { error: failure.error, frame: null };
  return { error: deliveries.failure?.error, frame: deliveries.failure?.frame ?? null };
}
