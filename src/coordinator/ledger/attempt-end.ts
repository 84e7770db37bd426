import type { FailureClass, TaskStatus } from '../../shared/contracts/messages.ts';
import type { TaskOutcome } from '../../shared/database/schema.ts';
import {
  HOST_BACK_OFF_SECONDS,
  LICENCE_BACK_OFF_SECONDS,
  type Blame,
  type Charge,
} from './release-frames.ts';

/** How an attempt ended, for the frames that it did not finish. */
export interface AttemptEnd {
  outcome: TaskOutcome;
  class: FailureClass | null;
  blame: Blame;
  charge: Charge;
  delaySeconds: number;
  error: string;
}

/**
 * How an attempt's last word is taken for the frames that it did not finish. Pure.
 * @param problem why a result that came with it was refused.
 * @param frames those of its task.
 */
export function endOf(
  status: TaskStatus,
  problem: string | undefined,
  frames: readonly number[],
): AttemptEnd {
  const allFailed = { class: null, blame: 'all', charge: 'failure', delaySeconds: 0 } as const;
  if (problem !== undefined)
    return {
      ...allFailed,
      outcome: 'failed',
      class: 'bad-output',
      error: `A result was refused: ${problem}.`,
    };
  switch (status.type) {
    case 'failed':
      return { outcome: 'failed', class: status.class, error: status.message, ...blameOf(status, frames) };
    case 'released':
      return { ...allFailed, outcome: 'released', blame: 'none', error: status.reason };
    case 'rejected':
      return { ...allFailed, outcome: 'rejected', error: status.reason };
    default:
      return {
        ...allFailed,
        outcome: 'completed',
        class: 'bad-output',
        error: 'The worker reported the task as completed without a result for this frame.',
      };
  }
}

/**
 * Whom a failure blames. Where the worker does not name the frame: what is wrong with the scene concerns every frame that
 * is still open; anything else hit the frame that was being rendered, and those behind it have not been tried.
 */
function blameOf(
  status: TaskStatus & { type: 'failed' },
  frames: readonly number[],
): Pick<AttemptEnd, 'blame' | 'charge' | 'delaySeconds'> {
  const { failedFrame } = status;
  const known = failedFrame !== null && frames.includes(failedFrame);
  switch (status.class) {
    case 'storage':
    case 'host':
      return { blame: 'none', charge: 'failure', delaySeconds: HOST_BACK_OFF_SECONDS };
    case 'licence':
      return { blame: 'none', charge: 'failure', delaySeconds: LICENCE_BACK_OFF_SECONDS };
    case 'untrusted-scripts':
      return { blame: 'none', charge: 'failure', delaySeconds: 0 };
    case 'scene':
    case 'missing-asset':
      return { blame: known ? failedFrame : 'all', charge: 'failure', delaySeconds: 0 };
    default:
      return {
        blame: known ? failedFrame : { underWay: null },
        charge: status.class === 'out-of-memory' ? 'memory' : 'failure',
        delaySeconds: 0,
      };
  }
}
