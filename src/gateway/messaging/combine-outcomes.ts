import type { ControlManyReply } from '../../shared/contracts/api.ts';
import { controlSentence, type ControlRequest } from '../../shared/contracts/control-sentence.ts';
import { sumFigures } from '../../shared/domain/control-figures.ts';
import type { ToldOutcome } from './job-controller.ts';

const NOT_TOLD = 'The farm has stored the request and will carry it out; what came of it shows in the job.';

/** What came of one verb for several jobs, with one sentence for all of them. Pure. */
export function combineOutcomes(
  asked: ControlRequest & { requestId: string; dryRun?: boolean | undefined },
  jobIds: readonly string[],
  outcomes: ReadonlyMap<string, ToldOutcome>,
): ControlManyReply {
  const jobs = jobIds.map((id): ControlManyReply['jobs'][number] => {
    const told = outcomes.get(id);
    if (!told) return { id, ok: true, told: false, changed: false, message: NOT_TOLD };
    const { ok, changed, message, jobId } = told;
    return { id, ok, told: true, changed, message, ...(jobId === undefined ? {} : { jobId }) };
  });
  const dryRun = asked.dryRun === true;
  const touched = jobs.flatMap(({ id }) => {
    const told = outcomes.get(id);
    return told?.ok && (told.changed || told.dryRun === true) ? [told] : [];
  });
  const figures = sumFigures(touched.map((told) => told.figures ?? {}));
  const sentences = [
    ...(touched.length > 0
      ? [controlSentence(dryRun ? 'would' : 'did', asked, figures, touched.length)]
      : []),
    ...unchanged(jobs.filter((job) => job.told && job.ok).length - touched.length),
    ...refusals(jobs.filter((job) => !job.ok)),
    ...untold(jobs.filter((job) => !job.told).length),
  ];
  return {
    requestId: asked.requestId,
    ok: jobs.every((job) => job.ok),
    message: sentences.join(' '),
    ...(dryRun ? { dryRun } : {}),
    figures,
    jobs,
  };
}

const count = (n: number): string => `${n.toLocaleString('en')} job${n === 1 ? '' : 's'}`;

const unchanged = (n: number): string[] =>
  n === 0 ? [] : [`${count(n)} ${n === 1 ? 'is' : 'are'} as wanted already.`];

function refusals(refused: readonly { id: string; message: string }[]): string[] {
  const [first] = refused;
  if (!first) return [];
  return [`${count(refused.length)} refused it, such as ${first.id}: ${first.message}`];
}

const untold = (n: number): string[] =>
  n === 0 ? [] : [`Of ${count(n)} the outcome is not known yet; it shows in the job.`];
