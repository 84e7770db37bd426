import { onScopeDispose, ref, shallowRef, triggerRef, type Ref, type ShallowRef } from 'vue';
import type { JobDetails } from '../../../src/shared/contracts/job-details.ts';
import type { FrameChange, JobSummary, Progress } from '../../../src/shared/contracts/messages.ts';
import type { FrameGrid } from '../../../src/shared/contracts/realtime.ts';
import { adoptGrid, setState } from './frames/frame-grid.ts';
import type { RoomNews } from '../realtime/farm-socket.ts';
import { onceAFrame } from '../realtime/frame-flush.ts';
import { enterRoom } from '../realtime/use-farm-socket.ts';

/** More than any view shows of the latest frames. */
const RECENT = 50;

export const frameKey = (step: string, frame: number): string => `${step}/${frame}`;

export interface LiveJob {
  id: string;
  job: ShallowRef<JobSummary | null>;
  /** How it is to be rendered. Its state and counts may be old: those of `job` count. */
  plan: ShallowRef<JobDetails | null>;
  /** By step. The map and its bytes are changed in place; the ref is triggered once an animation frame. */
  grids: ShallowRef<Map<string, FrameGrid>>;
  /** What changed while this page was open, by `frameKey`; triggered with `grids`. */
  changes: ShallowRef<Map<string, FrameChange>>;
  /** How far running frames are, by `frameKey`; triggered with `grids`. */
  progress: ShallowRef<Map<string, Progress>>;
  /** Frames that were finished while this page was open, newest first; at most 50, for eyes only. */
  finished: ShallowRef<FrameChange[]>;
  /** How often the whole truth was taken anew: pictures seen before may be old since. */
  snapshots: Ref<number>;
  /** Why there is nothing to see; empty while all is well. */
  problem: Ref<string>;
}

/** One job, live, for as long as the calling component lives. */
export function useJob(id: string): LiveJob {
  const job = shallowRef<JobSummary | null>(null);
  const plan = shallowRef<JobDetails | null>(null);
  const grids = shallowRef(new Map<string, FrameGrid>());
  const changes = shallowRef(new Map<string, FrameChange>());
  const progress = shallowRef(new Map<string, Progress>());
  const finished = shallowRef<FrameChange[]>([]);
  const snapshots = ref(0);
  const problem = ref('');
  const flush = onceAFrame(() => {
    triggerRef(changes);
    triggerRef(progress);
    triggerRef(finished);
    triggerRef(grids);
  });

  function applyFrame(change: FrameChange): void {
    const grid = grids.value.get(change.step);
    if (grid) setState(grid, change.number, change.state);
    const key = frameKey(change.step, change.number);
    const before = changes.value.get(key);
    changes.value.set(key, change);
    if (change.state !== 'running') progress.value.delete(key);
    // The same is told again when the gateway holds it against the ledger.
    const isNews = before?.state !== 'done' || before.generation !== change.generation;
    if (change.state === 'done' && isNews) finished.value.unshift(change);
  }

  function apply(patch: RoomNews): void {
    if (patch.job) job.value = patch.job;
    if (patch.details) plan.value = patch.details;
    patch.frames?.forEach(applyFrame);
    finished.value.splice(RECENT);
    for (const item of patch.progress ?? []) progress.value.set(frameKey(item.step, item.frame), item);
    flush.request();
  }

  const leave = enterRoom(`job:${id}`, {
    snapshot: (snapshot) => {
      snapshots.value++;
      job.value = plan.value = snapshot.job ?? null;
      grids.value = new Map((snapshot.grids ?? []).map((grid) => [grid.step, adoptGrid(grid)]));
      changes.value = new Map();
      finished.value = [];
      progress.value = new Map();
      problem.value = snapshot.job ? '' : 'The farm knows no such job.';
    },
    patch: apply,
    refused: (_code, message) => (problem.value = message),
  });
  onScopeDispose(() => {
    leave();
    flush.cancel();
  });
  return { id, job, plan, grids, changes, progress, finished, snapshots, problem };
}
