import { computed, ref, type ComputedRef, type Ref } from 'vue';
import { useRouter } from 'vue-router';
import type { JobDocument } from '../../../src/shared/contracts/job-document.ts';
import { farmApi } from '../api/farm-api.ts';
import { ProblemError, sentenceOf } from '../api/problem.ts';
import { useNotices } from '../common/use-notices.ts';
import { documentFor, issuesOf, readAt, type Draft, type Json, type SceneFacts } from './draft.ts';
import { extent } from './frame-text.ts';
import { parseFrameRange } from '../../../src/shared/domain/frame-ranges.ts';
import { sceneLabel } from './scene-ref.ts';
import { useDraft } from './use-draft.ts';
import { useScenes } from './use-scenes.ts';

interface Submission {
  /** A job of each scene, as they would be sent. */
  documents: ComputedRef<Draft[]>;
  sending: Ref<boolean>;
  /** What belongs to no field. */
  problem: Ref<string>;
  submit: () => Promise<void>;
}

/** Sends the job to the farm, or one for each scene, and leads there. */
export function useSubmission(): Submission {
  const draft = useDraft();
  const scenes = useScenes();
  const { say } = useNotices();
  const router = useRouter();
  const sending = ref(false);
  const problem = ref('');
  /** Sent again after a lost answer, the same document is the same job. */
  const ids = new Map<string, string>();

  const documents = computed(() => {
    const all = draft.scenes.value;
    if (all.length === 0) return [draft.draft.value];
    return all.map((scene) => documentFor(draft.draft.value, factsOf(scene), all.length > 1));
  });

  function factsOf(scene: string): SceneFacts {
    const { report, template } = scenes.infos.get(scene) ?? {};
    const frames = readAt(draft.draft.value, [...draft.step.value, 'frames']);
    return {
      scene,
      engine: report?.engine ?? template?.engine ?? draft.engine.value,
      name: template?.label ?? sceneLabel(scene).replace(/\.[^.]*$/, ''),
      frames: report?.frames ?? template?.defaults.frames,
      fps: report?.fps ?? template?.defaults.output?.fps ?? null,
      settings: report?.engine === 'povray' ? clockOf(report.frames, frames) : {},
    };
  }

  async function submit(): Promise<void> {
    if (sending.value) return;
    sending.value = true;
    problem.value = '';
    try {
      await sendAll(documents.value);
    } catch (error) {
      if (error instanceof ProblemError && error.issues.length > 0) refuse(error.issues);
      else say(sentenceOf(error), false);
    } finally {
      sending.value = false;
    }
  }

  async function sendAll(all: readonly Draft[]): Promise<void> {
    const issues = all.flatMap((document) => issuesOf(document));
    if (issues.length > 0) return refuse(issues);
    const jobs: string[] = [];
    for (const document of all) jobs.push((await farmApi.submit(withId(document) as JobDocument)).id);
    scenes.startOver();
    if (jobs.length > 1) say(`Submitted ${jobs.length} jobs.`, true);
    await router.push(jobs.length === 1 ? `/jobs/${jobs[0] ?? ''}` : '/jobs');
  }

  function refuse(issues: Parameters<typeof namesOf>[0]): void {
    draft.refusals.value = issues;
    problem.value = namesOf(issues);
  }

  function withId(document: Draft): Draft {
    if (document['id'] !== undefined || document['idempotencyKey'] !== undefined) return document;
    const content = JSON.stringify(document);
    const id = ids.get(content) ?? newJobId();
    ids.set(content, id);
    return { ...document, id };
  }

  return { documents, sending, problem, submit };
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

function namesOf(issues: readonly { path: string; value: string; expected: string }[]): string {
  const [first, ...others] = issues;
  if (!first) return '';
  const more = others.length === 0 ? '' : ` And ${others.length} more.`;
  return `${first.path || 'The document'}: ${first.value}; expected ${first.expected}.${more}`;
}

function newJobId(): string {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return `j${Date.now().toString(36).padStart(9, '0')}${random.join('')}`;
}
