import { useThrottleFn, watchDebounced } from '@vueuse/core';
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { printJobQuery } from '../../../src/shared/domain/job-query/print-job-query.ts';
import { printJobSort } from '../../../src/shared/domain/job-query/job-sort.ts';
import { asksTheFarm, matchJob } from '../../../src/shared/domain/job-query/match-job.ts';
import { farmApi } from '../api/farm-api.ts';
import { onceAFrame } from '../realtime/frame-flush.ts';
import { useRoom } from '../realtime/use-farm-socket.ts';
import { JobList, type JobListView } from './job-list.ts';
import { useJobPages } from './use-job-pages.ts';

const ARRANGE_EVERY_MS = 1_000;
/** Jobs of which only the farm knows whether they match are asked about together. */
const ASK_AFTER_MS = 700;
const MOST_ASKED = 50;

interface Jobs {
  rows: ShallowRef<JobSummary[]>;
  /** Changes to the list that wait until nobody points at it. */
  waiting: Ref<number>;
  loading: Ref<boolean>;
  problem: Ref<string>;
  hasMore: Ref<boolean>;
  /** More match than were sorted: so many were; 0: all. */
  sortedAmong: Ref<number>;
  loadMore: () => Promise<void>;
}

/** The jobs list: live through the room `jobs`, what it does not show by pages. `view` null: the query is not understood. */
export function useJobs(view: Readonly<Ref<JobListView | null>>, frozen: Readonly<Ref<boolean>>): Jobs {
  const list = new JobList();
  const arranged = useArranged(list, view, frozen);
  const { rows, waiting, flush, refresh, arrangeSoon } = arranged;

  const request = computed(() => {
    if (view.value === null) return null;
    const query = printJobQuery(view.value.query);
    return { ...(query === '' ? {} : { query }), sort: printJobSort(view.value.sort) };
  });

  const { loading, problem, hasMore, sortedAmong, load, begin, loadMore } = useJobPages(
    list,
    request,
    arranged,
  );

  let isFirst = true;
  const ask = useFarmsWord(list, view, flush.request);
  useRoom('jobs', {
    snapshot: (snapshot) => {
      // The first one joins what is being read at the same time; a later one ends a time without news.
      if (isFirst) list.update(snapshot.jobs ?? []);
      else list.replace(snapshot.jobs ?? []);
      ask(snapshot.jobs ?? []);
      flush.request();
      if (!isFirst) void load(null);
      isFirst = false;
    },
    patch: (patch) => {
      list.update(patch.jobs ?? []);
      ask(patch.jobs ?? []);
      refresh.request();
      void arrangeSoon();
    },
    refused: (_code, message) => (problem.value = message),
  });

  const key = computed(() => JSON.stringify(request.value));
  watch(key, begin);
  watch([view, frozen], () => flush.request());
  watchDebounced(key, () => void load(null), { debounce: 150 });
  void load(null);

  return {
    rows,
    waiting,
    loading,
    problem,
    hasMore,
    sortedAmong,
    loadMore,
  };
}

/** The rows as they are shown: which there are, and in which order. */
function useArranged(list: JobList, view: Readonly<Ref<JobListView | null>>, frozen: Readonly<Ref<boolean>>) {
  const rows = shallowRef<JobSummary[]>([]);
  const waiting = ref(0);
  const arrange = (): void => {
    if (view.value === null) return;
    const arranged = list.arrange(view.value, frozen.value, Date.now());
    rows.value = arranged.rows;
    waiting.value = arranged.waiting;
  };
  const flush = onceAFrame(arrange);
  const refresh = onceAFrame(() => (rows.value = list.rows()));
  /** Counts change ten times a second; which rows there are, and where, once a second is enough. */
  const arrangeSoon = useThrottleFn(flush.request, ARRANGE_EVERY_MS, true);
  onScopeDispose(() => {
    flush.cancel();
    refresh.cancel();
  });
  return { rows, waiting, arrange, flush, refresh, arrangeSoon };
}

/** Whether a query about workers or verdicts finds jobs that have just changed is asked of the farm, together. */
function useFarmsWord(
  list: JobList,
  view: Readonly<Ref<JobListView | null>>,
  changed: () => void,
): (jobs: readonly JobSummary[]) => void {
  const open = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(timer));

  const queryNow = () => view.value?.query;
  async function ask(): Promise<void> {
    timer = undefined;
    const query = queryNow();
    const ids = [...open].slice(0, MOST_ASKED);
    if (!query || ids.length === 0) return;
    for (const id of ids) open.delete(id);
    try {
      const { jobs } = await farmApi.jobs({
        query: `${printJobQuery(query)} id:${ids.join(',')}`,
        limit: ids.length,
      });
      if (queryNow() !== query) return;
      list.tell(ids, new Set(jobs.map((job) => job.id)));
      changed();
    } catch {
      // The farm is away; its next snapshot asks again.
    }
    if (open.size > 0) later();
  }
  const later = (): void => {
    timer ??= setTimeout(() => void ask(), ASK_AFTER_MS);
  };

  return (jobs) => {
    const query = view.value?.query;
    if (!query || !asksTheFarm(query)) return;
    for (const job of jobs) if (matchJob(query, job, Date.now()) === undefined) open.add(job.id);
    if (open.size > 0) later();
  };
}
