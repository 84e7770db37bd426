import { rm } from 'node:fs/promises';
import type { FrameRef, FrameResult } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { RenderedFrame } from '../engines/engine.ts';
import type { ObjectStore } from '../object-store.ts';
import { deliverFrame, deliverPreview, type DeliveryTarget } from '../results/deliver-frame.ts';

/** Frames on their way to the storage while the next is rendered. Rendering waits when there are more. */
const AT_ONCE = 4;

export interface DeliveriesOptions {
  target: DeliveryTarget;
  store: ObjectStore;
  log: Logger;
  onDone: (result: FrameResult, rendered: RenderedFrame) => void;
}

export interface DeliveryFailure {
  frame: number;
  error: unknown;
}

/** Checks and uploads frames of one attempt beside the rendering. The first failure is kept and ends the attempt. */
export class FrameDeliveries {
  readonly #options: DeliveriesOptions;
  /** Until the result is recorded. */
  readonly #recording = new Set<Promise<FrameResult | null>>();
  /** Until the preview is made, too, and the frame's folder is gone. */
  readonly #active = new Set<Promise<void>>();
  failure: DeliveryFailure | null = null;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Resolves when another frame may be added. */
  async room(): Promise<void> {
    while (this.#active.size >= AT_ONCE) await Promise.race(this.#active);
  }

  /** @param outDir the frame's folder, removed in the end; null when there is none */
  add(frame: FrameRef, rendered: RenderedFrame, outDir: string | null): void {
    const recording = this.#record(frame, rendered).finally(() => this.#recording.delete(recording));
    this.#recording.add(recording);
    const active = recording
      .then((result) => this.#afterwards(frame, rendered, result, outDir))
      .finally(() => this.#active.delete(active));
    this.#active.add(active);
  }

  /** Resolves when every frame added so far is recorded, or has failed. */
  async recorded(): Promise<void> {
    await Promise.all(this.#recording);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#active);
  }

  /** @returns null when it failed */
  async #record(frame: FrameRef, rendered: RenderedFrame): Promise<FrameResult | null> {
    const { target, store, onDone } = this.#options;
    try {
      const result = await deliverFrame(frame, rendered, target, store);
      onDone(result, rendered);
      return result;
    } catch (error) {
      this.failure ??= { frame: frame.number, error };
      return null;
    }
  }

  async #afterwards(
    frame: FrameRef,
    rendered: RenderedFrame,
    result: FrameResult | null,
    outDir: string | null,
  ): Promise<void> {
    const { target, store, log } = this.#options;
    const [file] = rendered.files;
    const [main] = result?.outputs ?? [];
    try {
      if (file && main && !this.failure)
        await deliverPreview(frame, file.path, main.bytes, target, store, log);
      if (outDir !== null) await rm(outDir, { recursive: true, force: true });
    } catch (error) {
      // The frame is delivered; its folder goes with the attempt's.
      log.warn(
        { frame: frame.number, reason: messageOf(error) },
        'the folder of a frame could not be removed',
      );
    }
  }
}
