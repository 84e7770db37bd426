import { useIntervalFn, useThrottleFn } from '@vueuse/core';
import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { ResultsPage } from '../../../../src/shared/contracts/api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import type { JobView } from '../use-job-view.ts';

export type ResultFile = ResultsPage['files'][number];

/** Links hold for five minutes; they are asked for anew before that. */
const RENEW_MS = 4 * 60_000;

interface Results {
  files: ShallowRef<ResultFile[]>;
  hasMore: Ref<boolean>;
  loading: Ref<boolean>;
  problem: Ref<string>;
  loadMore: () => Promise<void>;
}

/** The files to take home, as many pages as were asked for; looked at anew while frames arrive. */
export function useResults(view: JobView): Results {
  const files = shallowRef<ResultFile[]>([]);
  const hasMore = ref(false);
  const loading = ref(true);
  const problem = ref('');
  let pages = 1;

  async function load(): Promise<void> {
    loading.value = true;
    try {
      const found: ResultFile[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < pages; page++) {
        const answer: ResultsPage = await farmApi.results(view.id, cursor === null ? {} : { cursor });
        found.push(...answer.files);
        cursor = answer.next;
        if (cursor === null) break;
      }
      files.value = found;
      hasMore.value = cursor !== null;
      problem.value = '';
    } catch (error) {
      problem.value = sentenceOf(error);
    } finally {
      loading.value = false;
    }
  }

  const loadSoon = useThrottleFn(load, 3_000, true);
  watch(
    () => view.job.value?.frames.done,
    () => void loadSoon(),
    { immediate: true },
  );
  useIntervalFn(() => void load(), RENEW_MS);

  return {
    files,
    hasMore,
    loading,
    problem,
    loadMore: async () => {
      pages++;
      await load();
    },
  };
}
