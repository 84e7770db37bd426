import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { isEndedJob } from '../../../src/shared/contracts/realtime.ts';
import { untrustedScripts } from '../../../src/shared/contracts/scripts-question.ts';
import type { ControlVerb } from '../api/farm-api.ts';
import { plural } from '../common/units.ts';

export interface VerbChoice {
  verb: ControlVerb;
  label: string;
  icon: string;
  /** Asked before it is done; absent for what can be taken back at once. */
  confirm?: { title: string; text: string; yes: string };
}

/** What can be done with a job in its present state, with what it will do said in numbers. */
export function verbsFor(job: JobSummary): VerbChoice[] {
  const choices: VerbChoice[] = [];
  const ended = isEndedJob(job.state);
  if (job.bin !== undefined) return choices;
  // Frames that wait for a decision are not let go by resuming.
  const held = job.frames.held - (job.decisions?.frames ?? 0);
  // A cancelled job's frames are kept: resuming brings them back. One that is held goes on in spite of its failures.
  // Whether scripts are trusted is asked on the job's page: resuming it from here would say no, unasked.
  const asked = job.state === 'held' && untrustedScripts(job.error) !== undefined;
  if (job.state === 'paused' || job.state === 'cancelled' || (held > 0 && !asked))
    choices.push({ verb: 'resume', label: 'Resume', icon: 'i-lucide-play' });
  else if (!ended && job.state !== 'held')
    choices.push({ verb: 'pause', label: 'Pause', icon: 'i-lucide-pause' });
  if (job.frames.failed > 0 && job.state !== 'cancelled') choices.push(retryChoice(job));
  if (!ended) choices.push(cancelChoice(job));
  return choices;
}

function retryChoice(job: JobSummary): VerbChoice {
  const { failed } = job.frames;
  return {
    verb: 'retry',
    label: 'Retry failed',
    icon: 'i-lucide-rotate-ccw',
    confirm: {
      title: `Retry ${plural(failed, 'failed frame')}?`,
      text: `${plural(failed, 'failed frame')} of “${job.name}” will be rendered again. Frames that are done stay as they are.`,
      yes: `Retry ${plural(failed, 'frame')}`,
    },
  };
}

function cancelChoice(job: JobSummary): VerbChoice {
  const { done, failed, skipped, cancelled, running, total } = job.frames;
  const open = total - done - failed - skipped - cancelled;
  const now = running > 0 ? `, ${running.toLocaleString('en-US')} of them being rendered now` : '';
  const kept = done > 0 ? ` ${plural(done, 'finished frame')} can still be downloaded.` : '';
  return {
    verb: 'cancel',
    label: 'Cancel job',
    icon: 'i-lucide-x',
    confirm: {
      title: `Cancel “${job.name}”?`,
      text: `${plural(open, 'frame')} will not be rendered${now}.${kept}`,
      yes: `Cancel ${plural(open, 'frame')}`,
    },
  };
}
