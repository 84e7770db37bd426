import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import type { FarmSums, Overview } from '../../../src/shared/contracts/overview-api.ts';
import { wranglerApi } from '../api/wrangler-api.ts';
import { useAnswer } from '../common/use-answer.ts';
import { useRoom } from '../realtime/use-farm-socket.ts';

const LOOK_EVERY_MS = 10_000;

/** The farm's sums, second by second, and the rest every ten seconds. */
export function useOverview(): {
  sums: ShallowRef<FarmSums | undefined>;
  rest: ComputedRef<Overview | undefined>;
  problem: Ref<string>;
} {
  const sums = shallowRef<FarmSums>();
  const refused = ref('');
  const { answer, problem } = useAnswer(wranglerApi.overview, LOOK_EVERY_MS);
  watch(answer, (now) => (sums.value ??= now?.sums));
  useRoom('farm', {
    snapshot: ({ farm }) => (sums.value = farm ?? sums.value),
    patch: ({ farm }) => (sums.value = farm ?? sums.value),
    refused: (_code, message) => (refused.value = message),
  });
  return {
    sums,
    rest: computed(() => answer.value),
    problem: computed(() => problem.value || refused.value),
  };
}
