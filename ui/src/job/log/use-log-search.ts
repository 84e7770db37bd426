import { watchDebounced } from '@vueuse/core';
import { computed, ref, shallowRef, type ComputedRef, type Ref } from 'vue';
import type { Attempt } from '../../../../src/shared/contracts/api.ts';
import type { LogSearch } from '../../../../src/shared/contracts/job-views.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';
import { finderOf } from './line-pieces.ts';
import type { LogLine } from './log-text.ts';

/** A line that was found. `offset`: where it begins in the log; null: it is among the lines here. */
export interface Match {
  line: number;
  offset: number | null;
}

interface Search {
  text: Ref<string>;
  exact: Ref<boolean>;
  /** Looked for by the farm, in time that grows with the log only. */
  regex: Ref<boolean>;
  matches: ComputedRef<Match[]>;
  /** How many there are in all, of which `matches` are the first. */
  count: ComputedRef<number>;
  /** What is to be marked in the lines. */
  find: ComputedRef<RegExp | null>;
  problem: Ref<string>;
}

/** Finds lines of a log: of one that grows among those that are here, of one that has ended in all of it, by the farm. */
export function useLogSearch(
  jobId: string,
  attempt: Ref<Attempt | null>,
  lines: Readonly<Ref<LogLine[]>>,
): Search {
  const text = ref('');
  const exact = ref(false);
  const regex = ref(false);
  const problem = ref('');
  const found = shallowRef<LogSearch | null>(null);
  let asked = 0;

  watchDebounced(
    () => [text.value, exact.value, regex.value, attempt.value?.id, attempt.value?.endedAt] as const,
    async () => {
      const mine = ++asked;
      found.value = null;
      problem.value = '';
      const of = attempt.value;
      if (text.value === '' || !of?.endedAt) return;
      try {
        const answer = await farmApi.searchLog(jobId, of.id, {
          text: text.value,
          ...(exact.value ? { case: 'true' } : {}),
          ...(regex.value ? { regex: 'true' } : {}),
        });
        if (mine === asked) found.value = answer;
      } catch (error) {
        if (mine === asked) problem.value = sentenceOf(error);
      }
    },
    { debounce: 250 },
  );

  const find = computed(() => (regex.value ? null : finderOf(text.value, exact.value)));
  const here = computed<Match[]>(() => {
    const finder = find.value;
    if (finder === null) return [];
    return lines.value.flatMap((line) => {
      finder.lastIndex = 0;
      return finder.test(line.text) ? { line: line.number, offset: null } : [];
    });
  });
  return {
    text,
    exact,
    regex,
    problem,
    find,
    matches: computed(() => found.value?.matches ?? here.value),
    count: computed(() => found.value?.count ?? here.value.length),
  };
}
