import { inject, provide, ref, watch, type InjectionKey, type Ref } from 'vue';
import { numberAt, positionOf, stateAt } from './frames/frame-grid.ts';
import { frameFacts, type FrameFacts } from './frames/frame-facts.ts';
import { farmApi } from '../api/farm-api.ts';
import type { MediaKind } from '../common/media.ts';
import { useFrameDetails, type FrameDetails } from './frames/use-frame-details.ts';
import { useStepMedia } from './results/use-step-media.ts';
import { frameKey, useJob, type LiveJob } from './use-job.ts';

export interface FrameRef {
  step: string;
  frame: number;
}

/** What the parts of the job page share. */
export interface JobView extends LiveJob {
  details: FrameDetails;
  /** Raised with every change of frames: canvases redraw, lists look again. */
  version: Readonly<Ref<number>>;
  /** What is known of a frame now; undefined when the job has no such frame. */
  facts: (at: FrameRef) => FrameFacts | undefined;
  imageUrl: (at: FrameRef, kind: 'image' | 'thumbnail') => string;
  frameAt: (step: string, position: number) => number | undefined;
  /** What a step's frames are; undefined until one of them is finished. */
  media: (step: string) => MediaKind | undefined;
}

const KEY: InjectionKey<JobView> = Symbol('job view');

/** Opens a job's live view for the calling page; its components take it with `useJobView`. */
export function provideJobView(id: string): JobView {
  const live = useJob(id);
  const details = useFrameDetails(id);
  const version = ref(0);
  watch(live.grids, () => version.value++, { flush: 'sync' });

  function facts({ step, frame }: FrameRef): FrameFacts | undefined {
    const grid = live.grids.value.get(step);
    const state = grid && stateAt(grid, positionOf(grid.runs, frame));
    if (state === undefined) return undefined;
    const key = frameKey(step, frame);
    return frameFacts(
      { step, frame, state },
      {
        change: live.changes.value.get(key),
        fetched: details.known.value.get(key),
        progress: live.progress.value.get(key),
      },
    );
  }

  function imageUrl(at: FrameRef, kind: 'image' | 'thumbnail'): string {
    const url = farmApi.imageUrl(id, at.step, at.frame, kind, facts(at)?.generation ?? 0);
    // Another fragment makes the browser ask again: the frame may have been rendered anew unseen.
    return live.snapshots.value > 1 ? `${url}#${live.snapshots.value}` : url;
  }

  const view: JobView = {
    ...live,
    details,
    version,
    facts,
    imageUrl,
    media: useStepMedia(id, live.grids, () => live.job.value?.decisions !== undefined),
    frameAt: (step, position) => {
      const grid = live.grids.value.get(step);
      return grid && numberAt(grid.runs, position);
    },
  };
  provide(KEY, view);
  return view;
}

/** @throws Error outside a job page */
export function useJobView(): JobView {
  const view = inject(KEY);
  if (!view) throw new Error('A component of the job page stands outside of one.');
  return view;
}
