import { computed, type ComputedRef } from 'vue';
import { parseFrameRange } from '../../../src/shared/domain/frame-ranges.ts';
import { documentFor, readAt, type Draft, type Json, type SceneFacts } from './draft.ts';
import { extent } from './frame-text.ts';
import { nameOf } from './scene-ref.ts';
import { useDraft } from './use-draft.ts';
import { useScenes } from './use-scenes.ts';

/** The job of each scene, as it would be sent: the draft, and what the scene itself says. */
export function useDocuments(): ComputedRef<Draft[]> {
  const draft = useDraft();
  const scenes = useScenes();

  function factsOf(scene: string): SceneFacts {
    const { report, template } = scenes.infos.get(scene) ?? {};
    const frames = readAt(draft.draft.value, [...draft.step.value, 'frames']);
    return {
      scene,
      engine: report?.engine ?? template?.engine ?? draft.engine.value,
      name: template?.label ?? nameOf(scene),
      frames: report?.frames ?? template?.defaults.frames,
      fps: report?.fps ?? template?.defaults.output?.fps ?? null,
      settings: report?.engine === 'povray' ? clockOf(report.frames, frames) : {},
    };
  }

  return computed(() => {
    const all = draft.scenes.value;
    if (all.length === 0) return [draft.draft.value];
    return all.map((scene) => documentFor(draft.draft.value, factsOf(scene), all.length > 1));
  });
}

/** A POV-Ray scene that does not say how long its animation is: the frames that are asked for are taken as the whole. */
function clockOf(own: string, typed: Json | undefined): Record<string, Json> {
  if (own.includes('-') || typeof typed !== 'string') return {};
  try {
    const { runs, count } = parseFrameRange(typed);
    if (count < 2) return {};
    const { first, last } = extent(runs);
    return { animation: { initialFrame: first, finalFrame: last } };
  } catch {
    return {}; // what is wrong with it is said at its field
  }
}
