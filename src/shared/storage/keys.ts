import { padFrame } from '../domain/frame-ranges.ts';
import { assertId } from '../domain/ids.ts';

/** Every object key of the farm is made here, never taken from a user. */
const SHA256 = /^[0-9a-f]{64}$/;

/** `assets/sha256/<hash>`: exactly the bytes that the key hashes. */
export function assetKey(sha256: string): string {
  if (!SHA256.test(sha256)) throw new RangeError('An asset is named by 64 hexadecimal digits');
  return `assets/sha256/${sha256}`;
}

/** An empty object that says: the asset was uploaded in parts, and its bytes were read and hash to its name. */
export function verifiedKey(sha256: string): string {
  if (!SHA256.test(sha256)) throw new RangeError('An asset is named by 64 hexadecimal digits');
  return `assets/verified/${sha256}`;
}

/** One output file of a frame, under the attempt that made it. `file` is `<output>_<frame>.<ext>`, made by {@link resultFile}. */
export function resultKey(parts: { jobId: string; step: string; attempt: string; file: string }): string {
  return `results/${assertId(parts.jobId, 'The job id')}/${assertId(parts.step, 'The step')}/${parts.attempt}/${parts.file}`;
}

/** The stored name of an output: `main_0007.png`, `main_-0003.png`. */
export function resultFile(output: string, frame: number, extension: string): string {
  return `${assertId(output, 'The output')}_${padFrame(frame, 4)}.${extension}`;
}

export function logKey(parts: { jobId: string; taskId: string; feed: number; delivery: number }): string {
  return `logs/${assertId(parts.jobId, 'The job id')}/${assertId(parts.taskId, 'The task id')}/${parts.feed}-${parts.delivery}.log.zst`;
}

export function previewKey(parts: {
  jobId: string;
  step: string;
  frame: number;
  generation: number;
}): string {
  return `previews/${assertId(parts.jobId, 'The job id')}/${assertId(parts.step, 'The step')}/${parts.frame}-${parts.generation}.webp`;
}
