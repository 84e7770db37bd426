import type { TaskMessage } from '../../../shared/contracts/messages.ts';
import type { QualityPolicy } from '../../../shared/contracts/quality.ts';
import type { Judged } from '../../../shared/quality/judge.ts';

/** Larger files are read piece by piece instead. */
export const IN_MEMORY_BYTES = 67_108_864;

export interface LookRequest {
  path: string;
  /** The frame's number, for what is intended. */
  frame: number;
  policy: QualityPolicy | null;
  output: Pick<TaskMessage['output'], 'width' | 'height' | 'fps'>;
  /** Memory of a file before, to read into; passed on, not copied. */
  spare: ArrayBuffer | null;
}

/** What a file is. */
export interface Look {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** The file's bytes at its beginning; null for one that is not held in memory. */
  memory: ArrayBuffer | null;
  /** Null for a video, which programs of their own look at. */
  judged: Judged | null;
  /** Why the file is no result at all. */
  unreadable: string | null;
  /** As it is sent; null where there is none. */
  thumbnail: string | null;
}

/** A file that could not be looked at, for a reason of this machine. */
export interface LookTrouble {
  error: string;
}
