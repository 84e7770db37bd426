import { useIntervalFn } from '@vueuse/core';
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { sentenceOf } from '../api/problem.ts';

export interface Answer<T> {
  /** The newest; undefined: there was none yet. It stays where the farm does not answer later. */
  answer: ShallowRef<T | undefined>;
  /** Why there is none, or none newer; empty while all is well. */
  problem: Ref<string>;
  /** Asks now. Where it was asked again meanwhile, the older answer is not taken. */
  look: () => Promise<void>;
}

/** Asks the farm at once, and again every so often where that is wanted. */
export function useAnswer<T>(ask: () => Promise<T>, everyMs?: number): Answer<T> {
  const answer = shallowRef<T>();
  const problem = ref('');
  let asked = 0;

  async function look(): Promise<void> {
    const mine = ++asked;
    try {
      const found = await ask();
      if (mine !== asked) return;
      answer.value = found;
      problem.value = '';
    } catch (error) {
      if (mine === asked) problem.value = sentenceOf(error);
    }
  }

  void look();
  if (everyMs !== undefined) useIntervalFn(() => void look(), everyMs);
  return { answer, problem, look };
}
