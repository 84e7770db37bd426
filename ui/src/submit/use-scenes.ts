import { createGlobalState, watchDebounced } from '@vueuse/core';
import { computed, reactive, ref, shallowRef, watch } from 'vue';
import type { EngineForm, Template } from '../../../src/shared/contracts/api.ts';
import type { SceneReport } from '../../../src/shared/contracts/inspect-api.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { sceneCandidates } from './scene-candidates.ts';
import { parseSceneRef } from './scene-ref.ts';
import { useUpload } from './upload/use-upload.ts';
import { useDraft } from './use-draft.ts';

/** What the farm says of a scene; while it reads, nothing. */
export interface SceneInfo {
  report?: SceneReport;
  template?: Template;
  problem?: string;
}

const SETTLED_MS = 250;

/** Which files are scenes, and what the farm knows of them and of their engine. */
export const useScenes = createGlobalState(() => {
  const upload = useUpload();
  const draft = useDraft();
  /** Files that may be scenes, the likeliest first; null: not looked at yet. */
  const candidates = shallowRef<string[] | null>(null);
  const chosen = ref<string[]>([]);
  const infos = reactive(new Map<string, SceneInfo>());
  const form = shallowRef<EngineForm | null>(null);

  watch(upload.files, async (files) => {
    const found = await sceneCandidates(files);
    if (files !== upload.files.value) return;
    candidates.value = files.length === 0 ? null : found;
    const kept = chosen.value.filter((path) => files.some((one) => one.path === path));
    chosen.value = kept.length > 0 ? kept : found.slice(0, 1);
  });

  /** The chosen files become the job's scenes, once they are at the farm. */
  function choose(): void {
    const asset = upload.asset.value;
    if (asset !== null && chosen.value.length > 0)
      draft.setScenes(chosen.value.map((path) => `asset:${asset}/${path}`));
  }

  watch([upload.asset, chosen], choose);

  async function look(scene: string): Promise<void> {
    if (infos.has(scene) && infos.get(scene)?.problem === undefined) return;
    const ref = parseSceneRef(scene);
    if (ref.kind === 'other') return;
    infos.set(scene, {});
    try {
      if (ref.kind === 'asset') infos.set(scene, { report: await farmApi.inspect(ref.asset, ref.path) });
      else infos.set(scene, { template: await farmApi.template(ref.name, ref.version) });
    } catch (error) {
      infos.set(scene, { problem: sentenceOf(error) });
    }
    const info = infos.get(draft.scene.value);
    const engine = info?.report?.engine ?? info?.template?.engine;
    if (scene === draft.scene.value && engine !== undefined) draft.setEngine(engine);
  }

  // Names may be typed, letter by letter.
  watchDebounced(draft.scenes, (scenes) => scenes.forEach((scene) => void look(scene)), {
    debounce: SETTLED_MS,
    immediate: true,
  });

  watch(
    draft.engine,
    async (engine) => {
      if (engine === form.value?.id) return;
      form.value = null;
      // Of an engine that the farm does not know, or knows from workers alone, settings are written as JSON.
      const found = engine === '' ? null : await farmApi.engine(engine).catch(() => null);
      if (engine === draft.engine.value) form.value = found;
    },
    { immediate: true },
  );

  const info = computed(() => infos.get(draft.scene.value));
  /** The frames that the scene or template has of its own. */
  const ownFrames = computed(() => info.value?.report?.frames ?? info.value?.template?.defaults.frames);
  const missing = computed(() =>
    draft.scenes.value.flatMap((scene) => infos.get(scene)?.report?.missing ?? []),
  );

  function startOver(): void {
    upload.clear();
    draft.startOver();
    chosen.value = [];
    candidates.value = null;
  }

  return { candidates, chosen, infos, info, ownFrames, missing, form, choose, startOver };
});
