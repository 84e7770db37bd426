import { createGlobalState } from '@vueuse/core';
import { computed, ref, shallowRef, watch } from 'vue';
import type { InputIssue } from '../../../src/shared/domain/errors.ts';
import {
  EMPTY_DRAFT,
  isObject,
  issuesOf,
  pathText,
  readAt,
  stepPath,
  writeAt,
  type Draft,
  type Json,
  type Path,
} from './draft.ts';

const KEY = 'farmhand.submit';

interface Stored {
  draft: Draft;
  like: string | null;
  also: string[];
}

/** The job that is being put together. It outlives a look elsewhere and a reload, in this tab. */
export const useDraft = createGlobalState(() => {
  const stored = readStored();
  const draft = shallowRef<Draft>(stored.draft);
  /** The job whose document it began as. */
  const like = ref(stored.like);
  /** Further scenes: a job of each. */
  const also = ref<string[]>(stored.also);
  /** What the farm said of the last try. */
  const refusals = shallowRef<readonly InputIssue[]>([]);

  const step = computed(() => stepPath(draft.value));
  const engine = computed(() => text(readAt(draft.value, [...step.value, 'engine'])));
  const scene = computed(() => text(readAt(draft.value, [...step.value, 'scene'])));
  const scenes = computed(() => (scene.value === '' ? [] : [scene.value, ...also.value]));

  /** What the contract says of it now. */
  const issues = computed(() => issuesOf(draft.value));

  function replace(now: Draft): void {
    if (JSON.stringify(now) === JSON.stringify(draft.value)) return;
    draft.value = now;
    refusals.value = [];
  }

  const set = (path: Path, value: Json | undefined): void => replace(writeAt(draft.value, path, value));

  function setScenes([first, ...others]: readonly string[]): void {
    set([...step.value, 'scene'], first);
    also.value = others;
  }

  /** The settings of one engine mean nothing to another one. */
  function setEngine(now: string): void {
    if (now === engine.value) return;
    let next = draft.value;
    if (engine.value !== '')
      for (const field of ['settings', 'data', 'output'])
        next = writeAt(next, [...step.value, field], undefined);
    replace(writeAt(next, [...step.value, 'engine'], now === '' ? undefined : now));
  }

  function startLike(job: string, document: Draft): void {
    // Of both a job has one: they say which submission it was.
    draft.value = writeAt(writeAt(document, ['id'], undefined), ['idempotencyKey'], undefined);
    like.value = job;
    also.value = [];
    refusals.value = [];
  }

  function startOver(): void {
    draft.value = EMPTY_DRAFT;
    like.value = null;
    also.value = [];
    refusals.value = [];
  }

  /** What the farm did not take at a place, or in it; and of what is written there, the contract. */
  function wrongAt(path: Path): string | undefined {
    const place = pathText(path);
    const isWritten = readAt(draft.value, path) !== undefined;
    const known = refusals.value.length > 0 ? refusals.value : isWritten ? issues.value : [];
    const inside = known.filter(
      (one) => one.path === place || one.path.startsWith(`${place}.`) || one.path.startsWith(`${place}[`),
    );
    return inside.map(({ value, expected }) => `${value}; expected ${expected}`).join('. ') || undefined;
  }

  watch([draft, like, also], () => store({ draft: draft.value, like: like.value, also: also.value }));

  return {
    ...{ draft, like, also, refusals, step, engine, scene, scenes },
    ...{ replace, set, setScenes, setEngine, startLike, startOver, wrongAt },
  };
});

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

function store(now: Stored): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(now));
  } catch {
    // The browser keeps nothing, or not so much: a reload begins anew then.
  }
}

function readStored(): Stored {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Stored>;
    const { draft = EMPTY_DRAFT, like = null, also = [] } = stored;
    return { draft: isObject(draft) ? draft : EMPTY_DRAFT, like, also };
  } catch {
    return { draft: EMPTY_DRAFT, like: null, also: [] };
  }
}
