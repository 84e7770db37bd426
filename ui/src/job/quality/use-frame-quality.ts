import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { FrameQualityPage } from '../../../../src/shared/contracts/quality-api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import type { FrameRef, JobView } from '../use-job-view.ts';

/** What was found in a frame's result and in earlier ones; asked again whenever the frame changes. */
export function useFrameQuality(
  view: JobView,
  at: () => FrameRef,
): { quality: ShallowRef<FrameQualityPage | null>; problem: Ref<string> } {
  const quality = shallowRef<FrameQualityPage | null>(null);
  const problem = ref('');
  let asked = 0;

  async function load({ step, frame }: FrameRef): Promise<void> {
    const mine = ++asked;
    try {
      const answer = await farmApi.frameQuality(view.id, step, frame);
      if (mine !== asked) return;
      quality.value = answer;
      problem.value = '';
    } catch (error) {
      if (mine === asked) problem.value = sentenceOf(error);
    }
  }

  watch(
    () => `${at().step}/${at().frame}`,
    () => (quality.value = null),
  );
  watch(
    () => {
      const now = view.facts(at());
      return [at().step, at().frame, now?.state, now?.generation].join('/');
    },
    () => void load(at()),
    { immediate: true },
  );
  return { quality, problem };
}
