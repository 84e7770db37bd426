import { useIntervalFn } from '@vueuse/core';
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { sentenceOf } from '../api/problem.ts';

export interface Pages<T> {
  /** As many pages as were asked for; undefined: none came yet. */
  items: ShallowRef<T[] | undefined>;
  hasMore: Ref<boolean>;
  problem: Ref<string>;
  loadMore: () => Promise<void>;
  /** Asks for all of them now. */
  look: () => Promise<void>;
}

/** A list that comes page by page, looked at anew every so often. */
export function usePages<T>(
  ask: (cursor?: string) => Promise<{ items: T[]; next: string | null }>,
  everyMs: number,
): Pages<T> {
  const items = shallowRef<T[]>();
  const hasMore = ref(false);
  const problem = ref('');
  let pages = 1;
  let asked = 0;

  async function load(): Promise<void> {
    const mine = ++asked;
    try {
      const found: T[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < pages; page++) {
        const answer: { items: T[]; next: string | null } = await ask(cursor ?? undefined);
        found.push(...answer.items);
        cursor = answer.next;
        if (cursor === null) break;
      }
      if (mine !== asked) return;
      items.value = found;
      hasMore.value = cursor !== null;
      problem.value = '';
    } catch (error) {
      if (mine === asked) problem.value = sentenceOf(error);
    }
  }

  void load();
  useIntervalFn(() => void load(), everyMs);
  return {
    items,
    hasMore,
    problem,
    loadMore: async () => {
      pages++;
      await load();
    },
    look: load,
  };
}
