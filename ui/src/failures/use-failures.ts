import { useThrottleFn } from '@vueuse/core';
import { computed, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import type { FailureDetails, Failures } from '../../../src/shared/contracts/failure-api.ts';
import { farmApi, type FailuresQuery } from '../api/farm-api.ts';
import { useAnswer } from '../common/use-answer.ts';
import { useRouteQuery } from '../common/use-route-query.ts';
import { useRoom } from '../realtime/use-farm-socket.ts';
import { SINCE, type Since } from './failure-text.ts';

/** Failures are looked at anew when a job says something, at most so often; and in any case every so often. */
const NEWS_EVERY_MS = 5_000;
const EVERY_MS = 30_000;

export const NARROWED_BY = ['worker', 'job', 'project', 'owner', 'engine'] as const;
export type NarrowedBy = (typeof NARROWED_BY)[number];

interface FailuresView {
  since: Ref<Since>;
  /** What else the address narrows it to, in the order of `NARROWED_BY`. */
  narrowed: ComputedRef<{ by: NarrowedBy; value: string }[]>;
  /** The reason that is looked at; empty: none was chosen. */
  chosen: Ref<string>;
  widen: (by: NarrowedBy) => void;
  failures: ShallowRef<Failures | undefined>;
  details: ShallowRef<FailureDetails | undefined>;
  /** Of the list, and of the reason. */
  problem: Ref<string>;
  detailsProblem: Ref<string>;
  look: () => void;
}

/** Failures by reason as the address asks for them, looked at anew while jobs say something. */
export function useFailures(): FailuresView {
  const [route, router] = [useRoute(), useRouter()];
  const sinceText = useRouteQuery('since');
  const since = computed<Since>({
    get: () => SINCE.find((known) => known === sinceText.value) ?? '24h',
    set: (value) => (sinceText.value = value === '24h' ? '' : value),
  });
  const reason = useRouteQuery('reason');
  const narrowed = computed(() =>
    NARROWED_BY.flatMap((by) => {
      const value = route.query[by];
      return typeof value === 'string' && value !== '' ? [{ by, value }] : [];
    }),
  );
  const query = computed<FailuresQuery>(() => ({
    since: since.value,
    ...Object.fromEntries(narrowed.value.map(({ by, value }) => [by, value])),
  }));
  const list = useAnswer(() => farmApi.failures(query.value), EVERY_MS);
  /** The list's first where nobody has chosen: there is always something to read. */
  const shown = computed(() => (reason.value !== '' ? reason.value : list.answer.value?.groups[0]?.id));
  const one = useAnswer(async () => {
    const id = shown.value;
    return id === undefined ? undefined : await farmApi.failure(id, query.value);
  });
  const look = (): void => {
    void list.look();
    void one.look();
  };
  const news = useThrottleFn(look, NEWS_EVERY_MS, true, false);
  useRoom('jobs', { snapshot: () => undefined, patch: () => void news(), refused: () => undefined });
  watch(query, look);
  watch(shown, () => void one.look());
  watch(list.answer, () => void one.look());
  return {
    since,
    narrowed,
    chosen: reason,
    widen: (by) => void router.replace({ query: { ...route.query, [by]: undefined } }),
    failures: list.answer,
    details: one.answer,
    problem: list.problem,
    detailsProblem: one.problem,
    look,
  };
}
