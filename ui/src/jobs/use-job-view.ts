import { computed, type ComputedRef, type WritableComputedRef } from 'vue';
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router';
import { JobQueryError } from '../../../src/shared/domain/job-query/job-query.ts';
import { NEWEST_FIRST, parseJobSort, printJobSort } from '../../../src/shared/domain/job-query/job-sort.ts';
import { parseJobQuery } from '../../../src/shared/domain/job-query/parse-job-query.ts';
import { useRouteQuery } from '../common/use-route-query.ts';
import { parseColumns, type ColumnId, type JobColumn } from './columns.ts';
import { parseGrouping, type JobGrouping } from './job-groups.ts';
import type { JobListView } from './job-list.ts';
import type { SavedView } from './saved-views.ts';

interface JobView {
  /** As it is written, understood or not. */
  text: WritableComputedRef<string>;
  error: ComputedRef<JobQueryError | null>;
  /** null: the query is not understood. */
  view: ComputedRef<JobListView | null>;
  group: WritableComputedRef<string>;
  grouping: ComputedRef<JobGrouping | undefined>;
  columns: WritableComputedRef<ColumnId[]>;
  /** Everything that a saved view keeps. */
  current: ComputedRef<Omit<SavedView, 'name'>>;
  open: (view: Omit<SavedView, 'name'>) => void;
  sortBy: (column: JobColumn) => void;
}

/** How the list is looked at, all of it in the address. */
export function useJobView(): JobView {
  const router = useRouter();
  const text = useRouteQuery('q');
  const sort = useRouteQuery('sort');
  const group = useRouteQuery('group');
  const cols = useRouteQuery('cols');
  takeOldParameters();

  const parsed = computed(() => {
    try {
      return { query: parseJobQuery(text.value), error: null };
    } catch (error) {
      if (error instanceof JobQueryError) return { query: null, error };
      throw error;
    }
  });
  const order = computed(() => parseJobSort(sort.value) ?? NEWEST_FIRST);
  const columns = computed({
    get: () => parseColumns(cols.value),
    set: (ids: ColumnId[]) => (cols.value = ids.join(',')),
  });

  return {
    text,
    error: computed(() => parsed.value.error),
    view: computed(() => parsed.value.query && { query: parsed.value.query, sort: order.value }),
    group,
    grouping: computed(() => parseGrouping(group.value)),
    columns,
    current: computed(() => ({ q: text.value, sort: sort.value, group: group.value, cols: cols.value })),
    open: ({ q, sort: by, group: of, cols: shown }) => {
      const query: LocationQueryRaw = {};
      for (const [key, value] of Object.entries({ q, sort: by, group: of, cols: shown }))
        if (value !== '') query[key] = value;
      void router.push({ query });
    },
    sortBy: (column) => {
      if (column.sort === undefined) return;
      const isNow = order.value.by === column.sort;
      const descending = isNow ? !order.value.descending : column.largestFirst === true;
      const next = printJobSort({ by: column.sort, descending });
      sort.value = next === printJobSort(NEWEST_FIRST) ? '' : next;
    },
  };
}

/** Links from before there were queries: `?state=failed`. */
function takeOldParameters(): void {
  const { query, hash } = useRoute();
  const { state, ...others } = query;
  if (typeof state !== 'string' || state === '') return;
  const q = typeof others['q'] === 'string' ? others['q'] : '';
  void useRouter().replace({ query: { ...others, q: `state:${state} ${q}`.trim() }, hash });
}
