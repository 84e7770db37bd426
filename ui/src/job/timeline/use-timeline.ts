import { useDebounceFn, useIntervalFn } from '@vueuse/core';
import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import { isEndedJob } from '../../../../src/shared/contracts/realtime.ts';
import type { JobTimeline } from '../../../../src/shared/contracts/job-views.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import type { JobView } from '../use-job-view.ts';
import type { TimeWindow } from './timeline-view.ts';

const LIVE_MS = 3_000;
const LIVE_LARGE_MS = 15_000;
const LARGE = 2_000;

interface LiveTimeline {
  timeline: ShallowRef<JobTimeline | null>;
  /** Of a part of the time, where the whole has too many attempts to tell each; else null. */
  detail: ShallowRef<JobTimeline | null>;
  /** When `timeline` was told, by this machine's clock. */
  toldAt: Ref<number>;
  problem: Ref<string>;
}

/** A job's attempts by worker, looked at anew while it runs. @param seen what is drawn; null: all */
export function useTimeline(view: JobView, seen: Ref<TimeWindow | null>): LiveTimeline {
  const timeline = shallowRef<JobTimeline | null>(null);
  const detail = shallowRef<JobTimeline | null>(null);
  const toldAt = ref(0);
  const problem = ref('');

  async function load(): Promise<void> {
    try {
      timeline.value = await farmApi.timeline(view.id, {});
      toldAt.value = Date.now();
      problem.value = '';
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  }
  let skipped = 0;
  useIntervalFn(() => {
    const { job } = view;
    if (!job.value || document.hidden) return;
    const large = (timeline.value?.bars.length ?? 0) + (timeline.value?.sums.length ?? 0) > LARGE;
    if (large && ++skipped < LIVE_LARGE_MS / LIVE_MS) return;
    skipped = 0;
    if (!isEndedJob(job.value.state)) void load();
  }, LIVE_MS);
  watch(
    () => view.job.value?.state,
    () => void load(),
    { immediate: true },
  );

  const loadDetail = useDebounceFn(async () => {
    const whole = timeline.value;
    const part = seen.value;
    if (!whole || whole.sums.length === 0 || !part) {
      detail.value = null;
      return;
    }
    const at = (ms: number): string => new Date(Date.parse(whole.from) + ms).toISOString();
    try {
      const found = await farmApi.timeline(view.id, { from: at(part.start), to: at(part.end) });
      detail.value = found.sums.length === 0 ? found : null;
    } catch {
      detail.value = null; // The sums are still there.
    }
  }, 250);
  watch(seen, () => void loadDetail());
  return { timeline, detail, toldAt, problem };
}
