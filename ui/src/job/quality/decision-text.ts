import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import type { Question } from '../../controls/use-job-controls.ts';

/** What a person can do with results that wait. */
export const DECISION_VERBS = [
  { verb: 'accept', label: 'Accept', icon: 'i-lucide-check' },
  { verb: 'retry', label: 'Render again', icon: 'i-lucide-rotate-ccw' },
  { verb: 'skip', label: 'Skip', icon: 'i-lucide-skip-forward' },
] as const;
type DecisionVerb = (typeof DECISION_VERBS)[number]['verb'];

type Waiting = NonNullable<JobSummary['decisions']>['first'][number];

interface ReasonGroup {
  step: string;
  reason: string;
  frames: number[];
}

/** Frames that wait for the same reason, together. Before each reason stands that it waits, which the card says already. */
export function groupReasons(waiting: readonly Waiting[]): ReasonGroup[] {
  const groups = new Map<string, ReasonGroup>();
  for (const { step, number, reason } of waiting) {
    const text = (reason ?? 'No reason was told.').replace(/^Waits for a decision: /, '');
    const key = `${step} ${text}`;
    const group = groups.get(key) ?? { step, reason: text, frames: [] };
    group.frames.push(number);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const TITLES: Record<DecisionVerb, string> = {
  accept: 'Accept results as they are?',
  retry: 'Render again?',
  skip: 'Leave frames out?',
};

/** What is asked before a decision is sent. @param chosen `note` may be empty; without `frames` all that wait are meant */
export function decisionQuestion(
  { frames: counts }: Pick<JobSummary, 'frames'>,
  verb: DecisionVerb,
  { note, ...chosen }: { frames?: string; step?: string; note: string },
): Question {
  // Without frames these verbs mean the failed ones too.
  const failedToo = verb !== 'accept' && chosen.frames === undefined && counts.failed > 0;
  return {
    verb,
    body: { ...chosen, ...(note === '' ? {} : { note }) },
    title: TITLES[verb],
    ...(failedToo ? { more: 'Frames that failed are among them.' } : {}),
    yes: DECISION_VERBS.find((choice) => choice.verb === verb)?.label ?? verb,
    harmless: verb !== 'skip',
  };
}
