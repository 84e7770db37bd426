import { watchDebounced } from '@vueuse/core';
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { onceAFrame } from '../realtime/frame-flush.ts';
import { JobList, type JobFilter } from './job-list.ts';
import { useRoom } from '../realtime/use-farm-socket.ts';

const PAGE = 200;

interface Jobs {
  rows: ShallowRef<JobSummary[]>;
  /** Changes to the list that wait until nobody points at it. */
  waiting: Ref<number>;
  loading: Ref<boolean>;
  problem: Ref<string>;
  hasMore: Ref<boolean>;
  loadMore: () => Promise<void>;
}

/** The jobs list: live through the room `jobs`, older and filtered ones by pages. */
export function useJobs(filter: Ref<JobFilter>, frozen: Ref<boolean>): Jobs {
  const list = new JobList();
  const rows = shallowRef<JobSummary[]>([]);
  const waiting = ref(0);
  const loading = ref(true);
  const problem = ref('');
  const hasMore = ref(false);
  let cursor: string | null = null;
  let query = 0;

  const flush = onceAFrame(() => {
    const arranged = list.arrange(filter.value, frozen.value);
    rows.value = arranged.rows;
    waiting.value = arranged.waiting;
  });
  onScopeDispose(flush.cancel);

  async function load(from: string | null): Promise<void> {
    const mine = ++query;
    loading.value = true;
    try {
      const page = await farmApi.jobs({
        limit: PAGE,
        ...(filter.value.state === '' ? {} : { state: filter.value.state }),
        ...(filter.value.text.trim() === '' ? {} : { q: filter.value.text.trim() }),
        ...(from === null ? {} : { cursor: from }),
      });
      if (mine !== query) return;
      list.addPage(page.jobs);
      cursor = page.next;
      hasMore.value = page.next !== null;
      problem.value = '';
    } catch (error) {
      if (mine === query) problem.value = sentenceOf(error);
    } finally {
      if (mine === query) loading.value = false;
      flush.request();
    }
  }

  useRoom('jobs', {
    snapshot: (snapshot) => {
      list.replace(snapshot.jobs ?? []);
      flush.request();
      void load(null);
    },
    patch: (patch) => {
      list.update(patch.jobs ?? []);
      flush.request();
    },
    refused: (_code, message) => (problem.value = message),
  });

  watch([filter, frozen], () => flush.request());
  watchDebounced(filter, () => void load(null), { debounce: 200, immediate: true });

  return {
    rows,
    waiting,
    loading,
    problem,
    hasMore,
    loadMore: async () => {
      if (cursor !== null && !loading.value) await load(cursor);
    },
  };
}
