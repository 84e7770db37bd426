import { inject, provide, ref, shallowRef, triggerRef, watch, type InjectionKey, type Ref } from 'vue';
import { numberAt, positionOf, stateAt } from '../realtime/frame-grid.ts';
import { frameFacts, type FrameFacts } from '../realtime/frame-facts.ts';
import { farmApi } from '../api/farm-api.ts';
import { useFrameDetails, type FrameDetails } from './use-frame-details.ts';
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
  /** Whether a step's frames have pictures at all; some engines store nothing. True until shown otherwise. */
  hasPictures: (step: string) => boolean;
  /** A thumbnail was there, or was not. */
  sawPicture: (step: string, there: boolean) => void;
}

/** As many thumbnails in a row that were not there say that the engine makes none. */
const MISSES_ENOUGH = 3;

const KEY: InjectionKey<JobView> = Symbol('job view');

/** Opens a job's live view for the calling page; its components take it with `useJobView`. */
export function provideJobView(id: string): JobView {
  const live = useJob(id);
  const details = useFrameDetails(id);
  const version = ref(0);
  const misses = shallowRef(new Map<string, number>());
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
    hasPictures: (step) => (misses.value.get(step) ?? 0) < MISSES_ENOUGH,
    sawPicture: (step, there) => {
      const before = misses.value.get(step) ?? 0;
      // One picture is enough to know that there are pictures.
      misses.value.set(step, there ? Number.NEGATIVE_INFINITY : before + 1);
      triggerRef(misses);
    },
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
