import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import type { JobSummary, SubmitReply } from '../../src/shared/contracts/messages.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import type { TestContext } from './farm-context.ts';

/** Sends a document (or bytes that claim to be one) as a submitter and gives the coordinator's answer. */
export async function submit(context: TestContext, document: unknown): Promise<SubmitReply> {
  const connection = await context.connectAs('submitter');
  const bytes = document instanceof Uint8Array ? document : encodeMessage(document);
  const reply = await connection.request('jobs.submit', bytes, { timeout: 20_000 });
  await connection.close();
  return reply.json<SubmitReply>();
}

/** The job once it is as wanted; fails with what it is instead. */
export async function jobWhen(
  context: TestContext,
  jobId: string,
  wanted: JobSummary['state'] | ((job: JobSummary) => boolean),
  timeoutMs = 20_000,
): Promise<JobSummary> {
  const accept = typeof wanted === 'string' ? (job: JobSummary) => job.state === wanted : wanted;
  const until = performance.now() + timeoutMs;
  let job: JobSummary | undefined;
  do {
    job = await readJobSummary(context.ledger, jobId);
    if (job && accept(job)) return job;
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (performance.now() < until);
  throw new Error(`The job is not as wanted: ${JSON.stringify(job)}`);
}

/** Waits until something is true. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`It did not come about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
