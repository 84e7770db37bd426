import { isEndedJob } from '../../shared/domain/states.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { FarmClient } from './farm-client.ts';
import { patiently } from './patience.ts';
import { pause } from './pool.ts';
import type { Progress } from './progress.ts';

const FIRST_POLL_MS = 100;
const SLOWEST_POLL_MS = 1_000;

interface WaitOptions {
  client: FarmClient;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Waits until a job has completed, failed or was cancelled, and shows how far it is. A job that is held waits for a person,
 * so it is not waited for.
 * A farm that is away for some minutes is waited for.
 */
export async function waitForJob(id: string, options: WaitOptions): Promise<JobSummary> {
  const { client, progress, signal } = options;
  for (let delayMs = FIRST_POLL_MS; ; delayMs = Math.min(delayMs * 1.5, SLOWEST_POLL_MS)) {
    const job = await patiently(() => client.job(id), { signal, say: (text) => progress.note(text) });
    showJob(progress, job);
    if (isEndedJob(job.state) || job.state === 'held') return job;
    await pause(delayMs, signal);
  }
}

export function showJob(progress: Progress, job: JobSummary): void {
  const { done, failed, total } = job.frames;
  const note = failed > 0 ? `${job.state}, ${failed} failed` : job.state;
  progress.update(job.id, { label: job.name, done, total, note });
}
