import { useDebounceFn } from '@vueuse/core';
import { shallowRef, triggerRef, type ShallowRef } from 'vue';
import type { Frame } from '../../../../src/shared/contracts/api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { frameKey } from '../use-job.ts';

/** Frames are fetched by neighbourhoods: who points at one soon points at the next. */
const PAGE = 100;

export interface FrameDetails {
  /** By `frameKey`. */
  known: ShallowRef<Map<string, Frame>>;
  /** Asks for a frame's facts soon, unless they are known. */
  want: (step: string, frame: number) => void;
  /** Asks for one frame's facts now, known or not. */
  fetch: (step: string, frame: number) => Promise<Frame | undefined>;
}

/** Facts about single frames of a job: worker, seconds, bytes, errors. The farm is asked only about what is looked at. */
export function useFrameDetails(jobId: string): FrameDetails {
  const known = shallowRef(new Map<string, Frame>());

  async function load(step: string, from: number, limit: number): Promise<Frame[]> {
    const page = await farmApi.frames(jobId, { step, from, limit });
    for (const frame of page.frames) known.value.set(frameKey(frame.step, frame.frame), frame);
    triggerRef(known);
    return page.frames;
  }

  const wantSoon = useDebounceFn(async (step: string, frame: number) => {
    if (known.value.has(frameKey(step, frame))) return;
    // A tooltip without these facts still tells frame and state; the link's own state shows that the farm is away.
    await load(step, Math.max(0, frame - PAGE / 4), PAGE).catch(() => undefined);
  }, 120);

  return {
    known,
    want: (step, frame) => void wantSoon(step, frame),
    fetch: async (step, frame) => (await load(step, frame, 1)).find((found) => found.frame === frame),
  };
}
