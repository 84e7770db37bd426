import { useTimeoutFn } from '@vueuse/core';
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { Preview } from '../../../../src/shared/contracts/api.ts';
import { farmApi } from '../../api/farm-api.ts';
import { sentenceOf } from '../../api/problem.ts';

/** While it is made; and while it is there, so that the farm goes on keeping it up. */
const MAKING_MS = 3_000;
const READY_MS = 30_000;

interface Proxy {
  preview: ShallowRef<Preview | null>;
  /** Of the video that is shown; changes only when another one was made, or the link has run out. */
  url: Ref<string | null>;
  problem: Ref<string>;
  /** The link does not hold any more. */
  renew: () => void;
}

/** The proxy video of a step, for as long as somebody looks at it: asking is what has it made and kept up. */
export function useProxy(jobId: string, step: Ref<string>): Proxy {
  const preview = shallowRef<Preview | null>(null);
  const url = ref<string | null>(null);
  const problem = ref('');
  let madeAt: string | null = null;
  let asked = 0;
  const delay = ref(MAKING_MS);
  const later = useTimeoutFn(() => void look(), delay, { immediate: false });

  async function look(): Promise<void> {
    const mine = ++asked;
    later.stop();
    try {
      const answer = await farmApi.proxy(jobId, step.value);
      if (mine !== asked) return;
      preview.value = answer;
      problem.value = '';
      // A video that plays is not begun anew only because its link is another one.
      if (answer.madeAt !== madeAt || answer.url === null) {
        url.value = answer.url;
        madeAt = answer.madeAt;
      }
    } catch (error) {
      if (mine !== asked) return;
      problem.value = sentenceOf(error);
    }
    delay.value = preview.value?.state === 'ready' ? READY_MS : MAKING_MS;
    later.start();
  }

  watch(
    step,
    () => {
      preview.value = url.value = madeAt = null;
      if (step.value !== '') void look();
    },
    { immediate: true },
  );
  // An answer that is still under way must not start another round.
  onScopeDispose(() => asked++);
  return {
    preview,
    url,
    problem,
    renew: () => {
      madeAt = null;
      void look();
    },
  };
}
