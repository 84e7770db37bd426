import { ref, type Ref } from 'vue';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { farmApi, type ControlVerb } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import type { VerbChoice } from './control-text.ts';
import { useNotices } from '../common/use-notices.ts';

export interface PendingConfirm {
  title: string;
  text: string;
  yes: string;
  /** Nothing is lost by it. */
  harmless?: boolean;
  run: () => Promise<void>;
}

interface JobControls {
  /** What waits for a yes; a `ConfirmDialog` shows it. */
  pending: Ref<PendingConfirm | null>;
  /** Does it, or asks first where it cannot be taken back. */
  choose: (job: JobSummary, choice: VerbChoice) => void;
  /** Sends a verb and says how it went, with the way back where there is one. */
  send: (
    jobId: string,
    verb: ControlVerb,
    body?: ControlFields,
    undo?: ControlVerb,
    undoBody?: ControlFields,
  ) => Promise<void>;
  /** Asks the farm what a verb would do and shows its sentence; done only after a yes. */
  ask: (jobId: string, question: Question) => Promise<void>;
}

type ControlFields = Parameters<typeof farmApi.control>[2];

export interface Question {
  verb: ControlVerb;
  body?: ControlFields;
  title: string;
  /** What the sentence does not say. */
  more?: string;
  yes: string;
  harmless?: boolean;
  /** The verb that takes it back. */
  undo?: ControlVerb;
  undoBody?: ControlFields;
  /** Called once it was done. */
  done?: () => void;
}

export function useJobControls(): JobControls {
  const { say } = useNotices();
  const pending = ref<PendingConfirm | null>(null);

  const send: JobControls['send'] = async (jobId, verb, body, undo, undoBody) => {
    try {
      const reply = await farmApi.control(jobId, verb, body);
      const back = undo && { label: 'Undo', run: () => void send(jobId, undo, undoBody) };
      say(reply.message, reply.ok, reply.ok ? back : undefined);
    } catch (error) {
      say(sentenceOf(error), false);
    }
  };

  const choose: JobControls['choose'] = (job, choice) => {
    const run = (): Promise<void> => send(job.id, choice.verb);
    if (choice.confirm) pending.value = { ...choice.confirm, run };
    else void run();
  };

  const ask: JobControls['ask'] = async (jobId, question) => {
    const { verb, body, title, more, yes, harmless, undo, undoBody, done } = question;
    try {
      const { message } = await farmApi.control(jobId, verb, { ...body, dryRun: true });
      pending.value = {
        title,
        text: more === undefined ? message : `${message} ${more}`,
        yes,
        ...(harmless === undefined ? {} : { harmless }),
        run: async () => {
          await send(jobId, verb, body, undo, undoBody);
          done?.();
        },
      };
    } catch (error) {
      say(sentenceOf(error), false);
    }
  };

  return { pending, choose, send, ask };
}
