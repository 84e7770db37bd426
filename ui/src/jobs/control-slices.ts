import type { ControlManyBody, ControlManyReply } from '../../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { controlSentence } from '../../../src/shared/contracts/control-sentence.ts';
import { sumFigures } from '../../../src/shared/domain/control-figures.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';

const PAGE = 500;
/** Each is answered well within the time that the farm waits for its coordinators, and all it takes at once are 1,000. */
const JOBS_A_SLICE = 250;

export type ManyIds = ControlManyBody & { ids: string[] };

/**
 * One verb for any number of jobs, slice by slice, as one answer. Where a later slice could not be asked, its jobs and
 * all after them are refusals with the reason: what was done before stays done.
 * @param progress is told how many jobs have been asked
 * @throws what the first slice throws: nothing was done
 */
export async function controlInSlices(
  send: (body: ManyIds) => Promise<ControlManyReply>,
  body: ManyIds,
  progress?: (asked: number) => void,
): Promise<ControlManyReply> {
  const replies: ControlManyReply[] = [];
  for (let from = 0; from < body.ids.length; from += JOBS_A_SLICE) {
    try {
      replies.push(await send({ ...body, ids: body.ids.slice(from, from + JOBS_A_SLICE) }));
    } catch (error) {
      if (replies.length === 0) throw error;
      replies.push(notAsked(body.ids.slice(from), sentenceOf(error)));
      break;
    }
    progress?.(Math.min(from + JOBS_A_SLICE, body.ids.length));
  }
  const [only, ...others] = replies;
  return only && others.length === 0 ? only : joined(body, replies);
}

function notAsked(ids: readonly string[], reason: string): ControlManyReply {
  const message = `Was not asked any more: ${reason}`;
  return {
    requestId: '',
    ok: false,
    message,
    jobs: ids.map((id) => ({ id, ok: false, told: true, changed: false, message })),
  };
}

function joined(body: ManyIds, replies: readonly ControlManyReply[]): ControlManyReply {
  const jobs = replies.flatMap((reply) => reply.jobs);
  const figures = sumFigures(replies.map((reply) => reply.figures ?? {}));
  const dryRun = body.dryRun === true;
  const touched = jobs.filter((job) => job.ok && job.told && (dryRun || job.changed)).length;
  const refused = jobs.filter((job) => !job.ok).length;
  const untold = jobs.filter((job) => !job.told).length;
  const n = (count: number): string => count.toLocaleString('en-US');
  return {
    requestId: replies[0]?.requestId ?? '',
    ok: refused === 0,
    message: [
      touched === 0
        ? 'Nothing to change.'
        : controlSentence(dryRun ? 'would' : 'did', body, figures, touched),
      ...(refused === 0 ? [] : [`${n(refused)} refused it.`]),
      ...(untold === 0 ? [] : [`Of ${n(untold)} the outcome is not known yet; it shows in the job.`]),
    ].join(' '),
    figures,
    jobs,
  };
}

/**
 * Jobs that a query finds, also those that are not on the page.
 * @param progress is told how many were found so far
 */
export async function jobsFound(query: string, progress: (found: number) => void): Promise<JobSummary[]> {
  const all: JobSummary[] = [];
  let cursor: string | null = null;
  do {
    const page = await farmApi.jobs({
      limit: PAGE,
      ...(query.trim() === '' ? {} : { query }),
      ...(cursor === null ? {} : { cursor }),
    });
    all.push(...page.jobs);
    cursor = page.next;
    if (cursor !== null) progress(all.length);
  } while (cursor !== null);
  return all;
}
