import type { Attempts, Frame, FramesPage } from '../../shared/contracts/api.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';
import type { FarmClient, JobsFilter } from './farm-client.ts';

const PAGE = 1_000;

/** A job's frames page by page, in the farm's order; at most `limit` of them. */
export async function* allFrames(
  client: FarmClient,
  id: string,
  query: { state?: string; verdict?: string; step?: string; from?: number; limit?: number },
): AsyncGenerator<Frame> {
  const { limit = Infinity, ...filter } = query;
  let cursor: string | undefined;
  for (let left = limit; left > 0;) {
    const page: FramesPage = await client.frames(id, {
      ...filter,
      limit: Math.min(PAGE, left),
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.frames;
    left -= page.frames.length;
    if (page.next === null) return;
    cursor = page.next;
  }
}

/** Jobs, newest first; at most `limit` of them. */
export async function* allJobs(
  client: FarmClient,
  query: JobsFilter & { limit: number },
): AsyncGenerator<JobSummary> {
  const { limit, ...filter } = query;
  let cursor: string | undefined;
  for (let left = limit; left > 0;) {
    const page = await client.jobs({
      ...filter,
      limit: Math.min(PAGES_OF_JOBS, left),
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.jobs;
    left -= page.jobs.length;
    if (page.next === null) return;
    cursor = page.next;
  }
}

const PAGES_OF_JOBS = 200;

/** A job's attempts in the order in which they began. */
export async function attemptsInOrder(client: FarmClient, id: string): Promise<Attempts['attempts']> {
  const attempts: Attempts['attempts'] = [];
  let cursor: string | undefined;
  do {
    const page: Attempts = await client.attempts(id, cursor === undefined ? {} : { cursor });
    attempts.push(...page.attempts);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return attempts.reverse();
}
