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

/** Everything that is stored of one job and of no other. */
export function jobPrefixes(jobId: string): string[] {
  return ['results', 'previews', 'logs'].map((area) => `${area}/${assertId(jobId, 'The job id')}/`);
}

/** What a key of {@link resultKey} was made of; undefined for any other key. */
export function parseResultKey(
  key: string,
): { jobId: string; step: string; attempt: string; output: string; frame: number } | undefined {
  const [, jobId, step, attempt, output, frame] =
    /^results\/([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)_(-?\d{1,10})\.[a-z0-9]{1,8}$/.exec(key) ?? [];
  if (jobId === undefined || step === undefined || attempt === undefined || output === undefined)
    return undefined;
  return { jobId, step, attempt, output, frame: Number(frame) };
}

/** What a key of {@link previewKey} was made of; undefined for any other key. */
export function parsePreviewKey(
  key: string,
): { jobId: string; step: string; frame: number; generation: number } | undefined {
  const [, jobId, step, frame, generation] =
    /^previews\/([^/]+)\/([^/]+)\/(-?\d{1,10})-(\d{1,10})\.webp$/.exec(key) ?? [];
  if (jobId === undefined || step === undefined) return undefined;
  return { jobId, step, frame: Number(frame), generation: Number(generation) };
}

/** A contact sheet or proxy video of a step, named by what is in it. */
export function stepPreviewKey(parts: {
  jobId: string;
  step: string;
  kind: string;
  sha256: string;
  extension: string;
}): string {
  const { jobId, step, kind, sha256, extension } = parts;
  return `previews/${assertId(jobId, 'The job id')}/${assertId(step, 'The step')}/${kind}-${sha256.slice(0, 20)}.${extension}`;
}

/** Whether a key was made by {@link stepPreviewKey}. */
export function isPreviewKey(key: string): boolean {
  return /^previews\/[^/]+\/[^/]+\/(?:contact-sheet|proxy)-[0-9a-f]{20}\.[a-z0-9]+$/.test(key);
}
