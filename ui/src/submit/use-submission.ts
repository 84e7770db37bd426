import { ref, type Ref } from 'vue';
import { useRouter } from 'vue-router';
import type { JobDocument } from '../../../src/shared/contracts/job-document.ts';
import { farmApi } from '../api/farm-api.ts';
import { ProblemError, sentenceOf } from '../api/problem.ts';
import { useNotices } from '../common/use-notices.ts';
import { issuesOf, type Draft } from './draft.ts';
import { useDocuments } from './use-documents.ts';
import { useDraft } from './use-draft.ts';
import { useScenes } from './use-scenes.ts';

interface Submission {
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

  const documents = useDocuments();

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
    if (issues.length > 0) {
      refuse(issues);
      return;
    }
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

  return { sending, problem, submit };
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
