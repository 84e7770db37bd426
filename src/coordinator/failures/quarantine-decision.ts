/** So many frames that it failed with and others rendered: the trouble is the worker's. */
export const QUARANTINE_AFTER_FRAMES = 3;
/** So many failures that it called its machine's own. */
export const QUARANTINE_AFTER_HOST_FAILURES = 3;
const NAMED_FRAMES = 3;
const LONGEST_REASON = 500;
const LONGEST_MESSAGE = 100;

/** What a worker failed with since it last brought a frame. */
export interface WorkerRecord {
  worker: string;
  /** Frames that it failed with and another worker has rendered since, as people call them (`job/step frame`). */
  renderedByOthers: readonly { frame: string; message: string }[];
  hostFailures: number;
  hostMessage: string | null;
  /** Whether another worker takes work that this one takes: without it, work would stand still. */
  replaceable: boolean;
}

/**
 * Why a worker is to be kept away from work, or undefined. Pure. It must have failed with what others can render, or have
 * said again and again that its machine is at fault; and nothing that it rendered since speaks for it.
 */
export function quarantineReason(record: WorkerRecord): string | undefined {
  const { renderedByOthers: frames, hostFailures, hostMessage, replaceable } = record;
  if (frames.length >= QUARANTINE_AFTER_FRAMES) {
    const named = frames
      .slice(0, NAMED_FRAMES)
      .map(({ frame, message }) => `${frame} (${shortened(message, LONGEST_MESSAGE)})`)
      .join(', ');
    const more = frames.length > NAMED_FRAMES ? ` and ${frames.length - NAMED_FRAMES} more` : '';
    return shortened(
      `It failed with ${frames.length} frames that other workers rendered, and rendered none itself: ${named}${more}`,
      LONGEST_REASON,
    );
  }
  if (hostFailures >= QUARANTINE_AFTER_HOST_FAILURES && replaceable)
    return shortened(
      `Its machine failed ${hostFailures} times in a row: ${hostMessage ?? 'no reason was given'}`,
      LONGEST_REASON,
    );
  return undefined;
}

const shortened = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;
