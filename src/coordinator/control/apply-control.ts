import { accept } from './accept.ts';
import { addFrames } from './add-frames.ts';
import type { ControlContext, ControlOutcome } from './control-context.ts';
import { retry } from './retry.ts';
import { cancel, pause, resume } from './run-verbs.ts';
import { addNote, setChunk, setLimits, setPriority } from './setting-verbs.ts';
import { skip } from './skip.ts';
import { deleteJob, keepJob, restoreJob } from '../retention/bin-verbs.ts';

/** Verbs that change a job under its lock; `resubmit` makes another one instead. */
type LockedVerb = Exclude<ControlContext['control']['verb'], 'resubmit'>;

const VERBS: Record<LockedVerb, (context: ControlContext) => Promise<ControlOutcome>> = {
  pause,
  resume,
  cancel,
  retry,
  skip,
  accept,
  'add-frames': addFrames,
  priority: setPriority,
  chunk: setChunk,
  limits: setLimits,
  note: addNote,
  keep: keepJob,
  delete: deleteJob,
  restore: restoreJob,
};

/**
 * Does what a control message asks of a job whose row is locked, or says what it would do. Every state has one defined
 * answer to every verb: docs/queue.md.
 */
export async function applyControl(verb: LockedVerb, context: ControlContext): Promise<ControlOutcome> {
  return VERBS[verb](context);
}
