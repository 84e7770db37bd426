import type { JobDetails } from './job-details.ts';
import type { FrameState } from '../domain/states.ts';
import type { JobSummary, Progress } from './messages.ts';
import type { FarmSums } from './overview-api.ts';
import type { Worker } from './api.ts';

/** The states are part of the contract (a grid's bytes are indices into `FRAME_STATES`); the page takes them from here. */
export { FRAME_STATES, JOB_STATES, isEndedJob, type FrameState, type JobState } from '../domain/states.ts';

/**
 * Socket.IO events. A client joins a room and gets a snapshot with `epoch` and `seq`; patches follow, each with what changed
 * from `from` to `seq`. A `from` above what the client has, or another epoch, means: join again. After a reconnect the client
 * joins with the place it had reached and gets what it missed, or a snapshot where the gateway no longer knows.
 * Rooms: `farm`, `jobs`, `job:<id>`, `workers`, `log:<attempt>`.
 */
export interface RoomSnapshot {
  room: string;
  epoch: string;
  seq: number;
  /** `farm`: once a second. */
  farm?: FarmSums;
  /** `jobs`: newest first, at most 200. */
  jobs?: JobSummary[];
  /** `job:<id>` */
  job?: JobDetails;
  grids?: FrameGrid[];
  workers?: Worker[];
  log?: { text: string; nextOffset: number };
}

/** All frames of a step, one byte of state each, in the step's order. */
export interface FrameGrid {
  step: string;
  /** Frame numbers as arithmetic runs, in order. */
  runs: { start: number; step: number; count: number }[];
  /** Index into `FRAME_STATES`, a byte a frame. */
  states: Uint8Array;
}

/** Frames that stand next to each other by number and changed alike: `first`, `first + 1` …, one for each of `seconds`. */
export interface FrameRun {
  step: string;
  first: number;
  state: FrameState;
  generation: number;
  worker: string | null;
  error: string | null;
  seconds: (number | null)[];
}

/** Where a client stands in a room. */
export interface RoomPlace {
  epoch: string;
  seq: number;
}

export interface RoomPatch {
  room: string;
  epoch: string;
  /** The patch holds everything that changed after this … */
  from: number;
  /** … up to this. */
  seq: number;
  farm?: FarmSums;
  jobs?: JobSummary[];
  job?: JobSummary;
  /** How the job is to be rendered has changed, or why it is held. */
  details?: JobDetails;
  /** `unpackFrames` makes them single frames again. */
  frames?: FrameRun[];
  progress?: Progress[];
  workers?: Worker[];
  log?: { offset: number; text: string };
  /** Too much changed to list it: join again for a snapshot. */
  resync?: true;
}

/** With `resumed`, patches go on from the place that the client named. */
export type JoinReply =
  | { ok: true; snapshot: RoomSnapshot }
  | { ok: true; resumed: true }
  | { ok: false; code: string; message: string };

export interface ClientToServerEvents {
  /** Without `since` answered with a snapshot, however often the room is joined. */
  join: (
    request: { room: string; hidden?: boolean; since?: RoomPlace },
    reply: (answer: JoinReply) => void,
  ) => void;
  leave: (request: { room: string }) => void;
  /** Hidden tabs get patches once a second only. */
  visibility: (request: { hidden: boolean }) => void;
  /** The last batch has been taken in; the next may come. Until then changes merge. */
  applied: () => void;
  /** Is what this socket shows still true? `live` is false while the gateway itself is cut off from the farm. `nowMs` is its clock. */
  probe: (reply: (answer: { live: boolean; nowMs: number }) => void) => void;
}

export interface ServerToClientEvents {
  /** One unacknowledged batch a socket: the next comes after the client has said `applied`. */
  patches: (patches: RoomPatch[]) => void;
}
