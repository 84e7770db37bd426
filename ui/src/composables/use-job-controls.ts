import { ref, type Ref } from 'vue';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { farmApi, type ControlVerb } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import type { VerbChoice } from '../format/control-text.ts';
import { useNotices } from './use-notices.ts';

export interface PendingConfirm {
  title: string;
  text: string;
  yes: string;
  run: () => Promise<void>;
}

interface JobControls {
  /** What waits for a yes; a `ConfirmDialog` shows it. */
  pending: Ref<PendingConfirm | null>;
  /** Does it, or asks first where it cannot be taken back. */
  choose: (job: JobSummary, choice: VerbChoice) => void;
  /** Sends a verb and says how it went. */
  send: (
    jobId: string,
    verb: ControlVerb,
    body?: { frames?: string; step?: string; priority?: number },
  ) => Promise<void>;
}

export function useJobControls(): JobControls {
  const { say } = useNotices();
  const pending = ref<PendingConfirm | null>(null);

  const send: JobControls['send'] = async (jobId, verb, body) => {
    try {
      const reply = await farmApi.control(jobId, verb, body);
      say(reply.message, reply.ok);
    } catch (error) {
      say(sentenceOf(error), false);
    }
  };

  const choose: JobControls['choose'] = (job, choice) => {
    const run = (): Promise<void> => send(job.id, choice.verb);
    if (choice.confirm) pending.value = { ...choice.confirm, run };
    else void run();
  };

  return { pending, choose, send };
}
