import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { LogPiece, Progress } from '../../shared/contracts/messages.ts';
import { logSubject, progressSubject } from '../../shared/contracts/subjects.ts';
import { storableText } from '../../shared/domain/text.ts';
import type { Attempt } from '../execution/attempt.ts';

const PROGRESS_GAP_MS = 250;
const MAX_NOTE_LENGTH = 200;

/** A core publish: for those who look on just now. What is lost while the farm is away stays lost. */
export type LivePublisher = (subject: string, body: Uint8Array) => void;

/** Progress of a frame, at most four times a second. */
export class ProgressReporter {
  readonly #attempt: Attempt;
  readonly #subject: string;
  readonly #publish: LivePublisher;
  #lastAtMs = -Infinity;

  constructor(attempt: Attempt, workerId: string, publish: LivePublisher) {
    this.#attempt = attempt;
    this.#subject = progressSubject(workerId);
    this.#publish = publish;
  }

  report(frame: number, fraction: number, note?: string): void {
    const now = performance.now();
    if (now - this.#lastAtMs < PROGRESS_GAP_MS || !Number.isFinite(fraction)) return;
    this.#lastAtMs = now;
    const { jobId, taskId, step } = this.#attempt.task;
    const progress: Progress = {
      version: 1,
      jobId,
      taskId,
      step,
      frame,
      fraction: Math.min(1, Math.max(0, fraction)),
      ...(note === undefined ? {} : { note: storableText(note, MAX_NOTE_LENGTH) }),
    };
    this.#publish(this.#subject, encodeMessage(progress));
  }
}

/** A piece of an attempt's log. */
export function publishLogPiece(
  attempt: Attempt,
  offset: number,
  text: string,
  publish: LivePublisher,
): void {
  const { jobId, taskId } = attempt.task;
  const piece: LogPiece = { version: 1, attempt: attempt.id, offset, text };
  publish(logSubject(jobId, taskId), encodeMessage(piece));
}
