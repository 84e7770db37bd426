import { useIntervalFn } from '@vueuse/core';
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import type { Worker } from '../../../src/shared/contracts/api.ts';
import { useRouteQuery } from '../common/use-route-query.ts';
import {
  WORKER_SORTS,
  compareWorkers,
  fitsFilter,
  parseWorkerFilter,
  type WorkerSort,
} from './worker-filter.ts';

/** Rows change places at most so often. */
const SORT_EVERY_MS = 1_000;

interface WorkerList {
  text: Ref<string>;
  sort: ComputedRef<WorkerSort>;
  reversed: ComputedRef<boolean>;
  /** Sorts by it, or the other way round. */
  sortBy: (by: WorkerSort) => void;
  /** Somebody points at a row: none moves. */
  held: Ref<boolean>;
  /** Those that fit the filter, in order; what they say is always the newest. */
  shown: ShallowRef<Worker[]>;
}

/** The workers as the address filters and sorts them (`?q=state:busy&sort=-cpu`). */
export function useWorkerList(workers: ShallowRef<Worker[]>): WorkerList {
  const text = useRouteQuery('q');
  const sortText = useRouteQuery('sort');
  const reversed = computed(() => sortText.value.startsWith('-'));
  const sort = computed(
    () => WORKER_SORTS.find((known) => known === sortText.value.replace(/^-/, '')) ?? 'name',
  );
  const filter = computed(() => parseWorkerFilter(text.value));
  const held = ref(false);
  const shown = shallowRef<Worker[]>([]);
  let order = new Map<string, number>();

  function arrange(): void {
    const fitting = workers.value.filter((worker) => fitsFilter(worker, filter.value));
    fitting.sort(compareWorkers(sort.value, reversed.value));
    order = new Map(fitting.map(({ id }, place) => [id, place]));
    shown.value = fitting;
  }

  /** The same rows in the same places, with what was heard since. */
  function refresh(): void {
    if (order.size === 0) {
      arrange();
      return;
    }
    const rows = workers.value.filter(({ id }) => order.has(id));
    shown.value = rows.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  }

  watch(workers, refresh);
  watch([filter, sort, reversed, held], arrange, { immediate: true });
  useIntervalFn(() => {
    if (!held.value) arrange();
  }, SORT_EVERY_MS);

  return {
    text,
    sort,
    reversed,
    sortBy: (by) => {
      const again = by === sort.value && !reversed.value;
      sortText.value = again ? `-${by}` : by === 'name' ? '' : by;
    },
    held,
    shown,
  };
}
