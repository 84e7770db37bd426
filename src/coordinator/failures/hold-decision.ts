import { SCRIPTS_QUESTION } from '../../shared/contracts/scripts-question.ts';

/** So many frames with one failure, and none that succeeded: more of the step would be wasted. */
export const HOLD_AFTER_FRAMES = 5;
const HOLD_AFTER_WORKERS = 2;
const LONGEST_QUOTE = 600;

/** A step's failures of one fingerprint. */
export interface FailureGroup {
  frames: number;
  workers: readonly string[];
  /** One of the messages, as the engine said it. */
  message: string;
}

/**
 * Whether a step of which no frame has succeeded is to be held, and why. Pure. Two workers must agree, so that one that is
 * broken holds nothing; where only one takes work for the step, its word is enough.
 * @param able workers that could render the step now.
 * @returns a sentence for people, with the engine's own words; undefined: it goes on.
 */
export function holdReason(groups: readonly FailureGroup[], able: readonly string[]): string | undefined {
  const worst = groups.find(({ frames, workers }) => frames >= HOLD_AFTER_FRAMES && agree(workers, able));
  if (!worst) return undefined;
  const where =
    worst.workers.length === 1
      ? `on ${worst.workers[0] ?? ''}, the only worker that can render it`
      : `on ${worst.workers.length} workers`;
  return (
    `Held: ${worst.frames} frames failed alike ${where} and none succeeded: ${quoted(worst.message)} ` +
    'Mend the scene and resubmit; or resume it to go on all the same.'
  );
}

/**
 * Why a step is held whose scene has scripts that nobody has allowed to run: its frames would be wrong without an error.
 * @param message what was not run, in the engine's own words.
 */
export function scriptsReason(jobId: string, message: string): string {
  return (
    `${SCRIPTS_QUESTION} ${quoted(message)} ./farmhand resume ${jobId} --trust-scripts (API: ` +
    '"trustScripts": true) lets them run; resumed without, it is rendered without them.'
  );
}

function agree(failed: readonly string[], able: readonly string[]): boolean {
  if (failed.length >= HOLD_AFTER_WORKERS) return true;
  return able.every((worker) => failed.includes(worker));
}

function quoted(message: string): string {
  const text = message.trim();
  const short = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE - 1)}…` : text;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}
