import type { JobDetails } from './job-details.ts';
import type { FrameChange, JobSummary, Progress } from './messages.ts';
import type { Worker } from './api.ts';

/** The states are part of the contract (a grid's bytes are indices into `FRAME_STATES`); the page takes them from here. */
export { FRAME_STATES, JOB_STATES, isEndedJob, type FrameState, type JobState } from '../domain/states.ts';

/**
 * Socket.IO events. A client joins a room and gets a snapshot with `epoch` and `seq`; batches with `seq` one higher follow.
 * A gap or another epoch means: join again. Rooms: `jobs`, `job:<id>`, `workers`, `log:<attempt>`.
 */
export interface RoomSnapshot {
  room: string;
  epoch: string;
  seq: number;
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

export interface RoomPatch {
  room: string;
  epoch: string;
  seq: number;
  jobs?: JobSummary[];
  job?: JobSummary;
  /** How the job is to be rendered has changed, or why it is held. */
  details?: JobDetails;
  frames?: FrameChange[];
  progress?: Progress[];
  workers?: Worker[];
  log?: { offset: number; text: string };
  /** Too much changed to list it: join again for a snapshot. */
  resync?: true;
}

export type JoinReply = { ok: true; snapshot: RoomSnapshot } | { ok: false; code: string; message: string };

export interface ClientToServerEvents {
  /** Answered with a snapshot, however often the room is joined. */
  join: (request: { room: string; hidden?: boolean }, reply: (answer: JoinReply) => void) => void;
  leave: (request: { room: string }) => void;
  /** Hidden tabs get patches once a second only. */
  visibility: (request: { hidden: boolean }) => void;
  /** Is what this socket shows still true? `live` is false while the gateway itself is cut off from the farm. */
  probe: (reply: (answer: { live: boolean }) => void) => void;
}

export interface ServerToClientEvents {
  /** One unacknowledged batch a socket: the next comes after `done`. */
  patches: (patches: RoomPatch[], done: () => void) => void;
}
