import type { ResumeRequest } from '../../shared/contracts/messages.ts';
import type { FrameState } from '../../shared/domain/states.ts';

/** A frame that a worker asks about, and who has it now. */
export interface AskedFrame {
  number: number;
  generation: number;
  state: FrameState;
  /** The task that holds it. */
  holder: {
    key: string;
    state: 'queued' | 'running' | 'ended';
    worker: string | null;
    attempt: string | null;
    frames: number[];
  } | null;
}

/** What is known of an attempt from its worker's heartbeats; undefined: nobody alive holds it. */
export type HeldBy = (worker: string, attempt: string) => { frame: number | null } | undefined;

export interface ResumePlan {
  /** Frames that the attempt is to render. */
  wanted: number[];
  /** Frames that are taken from other workers' running tasks, which are told to leave them out. */
  taken: { worker: string; attempt: string; frame: number }[];
}

/**
 * Which frames an attempt goes on with. Pure. A frame that nobody has is wanted; the one that is being rendered right
 * now is also taken back from a task that has not come to it yet, since that work would be thrown away.
 */
export function planResume(
  request: ResumeRequest,
  task: { key: string; ownedElsewhere: boolean },
  frames: readonly AskedFrame[],
  job: { paused: boolean },
  heldBy: HeldBy,
): ResumePlan {
  const generations = new Map(request.frames.map((frame) => [frame.number, frame.generation]));
  const plan: ResumePlan = { wanted: [], taken: [] };
  for (const frame of frames) {
    if (generations.get(frame.number) !== frame.generation) continue;
    const current = frame.number === request.current;
    if (job.paused && !current) continue;
    if (isWanted(frame, { task, current, heldBy, plan })) plan.wanted.push(frame.number);
  }
  const order = new Map(request.frames.map((frame, index) => [frame.number, index]));
  plan.wanted.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  return plan;
}

function isWanted(
  frame: AskedFrame,
  context: {
    task: { key: string; ownedElsewhere: boolean };
    current: boolean;
    heldBy: HeldBy;
    plan: ResumePlan;
  },
): boolean {
  const { task, current, heldBy, plan } = context;
  if (frame.state === 'ready') return true;
  if (frame.state !== 'queued' && frame.state !== 'running') return false;
  const { holder } = frame;
  if (holder === null || holder.state === 'ended') return true;
  if (holder.key === task.key) return !task.ownedElsewhere;
  if (holder.state === 'queued') return current;
  if (!current || holder.worker === null || holder.attempt === null) return false;
  const held = heldBy(holder.worker, holder.attempt);
  if (!held) return true;
  // Rendered in order: what stands after the frame under way has not been started there.
  const underWay = held.frame === null ? holder.frames.length : holder.frames.indexOf(held.frame);
  if (holder.frames.indexOf(frame.number) <= underWay) return false;
  plan.taken.push({ worker: holder.worker, attempt: holder.attempt, frame: frame.number });
  return true;
}
