import type { Frame } from '../../../../src/shared/contracts/api.ts';
import type { FrameChange, Progress } from '../../../../src/shared/contracts/messages.ts';
import type { FrameState } from '../../../../src/shared/contracts/realtime.ts';

/** What is known of a frame, put together from the grid, live changes and what was asked for. */
export interface FrameFacts {
  step: string;
  frame: number;
  state: FrameState;
  /** 0 while unknown. */
  generation: number;
  worker: string | null;
  seconds: number | null;
  error: string | null;
  /** Of a running frame, 0–1, when its engine tells. */
  fraction: number | null;
}

/**
 * The grid says the state. A live change is newer than a fetched frame; facts of another state than the present one are
 * old and left out.
 */
export function frameFacts(
  at: { step: string; frame: number; state: FrameState },
  sources: { change?: FrameChange | undefined; fetched?: Frame | undefined; progress?: Progress | undefined },
): FrameFacts {
  const { change, fetched, progress } = sources;
  const known = [change, fetched].find((source) => source?.state === at.state);
  return {
    ...at,
    generation: change?.generation ?? fetched?.generation ?? 0,
    worker: known?.worker ?? null,
    seconds: known?.seconds ?? null,
    error: known?.error ?? null,
    fraction: at.state === 'running' ? (progress?.fraction ?? null) : null,
  };
}
