import { sql } from 'kysely';
import { DEFAULT_DAYS, OF_PROJECTS, type RetentionSubject } from '../../shared/contracts/retention.ts';
import { InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { ENDED_JOB_STATES } from '../../shared/domain/states.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { count, type Managed, type RequestOf } from '../manage/managed.ts';
import { KEPT_SINCE, MAY_EXPIRE } from './bin-by-rule.ts';

/** For how long something is kept. */
export async function setRetention(
  trx: LedgerTransaction,
  request: RequestOf<'retention'>,
): Promise<Managed> {
  const { what } = request;
  const project = request.project ?? '';
  if (project !== '' && !OF_PROJECTS.includes(what))
    throw new InvalidInputError('The request', [
      { path: 'project', value: describeValue(project), expected: `nothing: ${what} are the whole farm's` },
    ]);
  const before = await trx
    .selectFrom('retention')
    .select('days')
    .where('what', '=', what)
    .where('project', '=', project)
    .forUpdate()
    .executeTakeFirst();
  const { days } = request;
  const wanted = days === 'forever' ? null : days;
  const same = days === null ? before === undefined : before?.days === wanted;
  const expired = wanted === null ? 0 : await expiredJobs(trx, what, project, wanted);
  const sentence = sentenceOf(what, project, days === null ? defaultOf(what, project) : wanted, expired);
  return {
    would: sentence,
    did: same ? `It is so already. ${sentence}` : sentence,
    changed: !same,
    subjects: [`retention/${what}/${project === '' ? '*' : project}`],
    write: async (writing) => {
      if (days === null)
        await writing
          .deleteFrom('retention')
          .where('what', '=', what)
          .where('project', '=', project)
          .execute();
      else
        await writing
          .insertInto('retention')
          .values({ what, project, days: wanted })
          .onConflict((conflict) => conflict.columns(['what', 'project']).doUpdateSet({ days: wanted }))
          .execute();
    },
  };
}

/** Of a project without a rule of its own, the farm's holds, whatever that is. */
const defaultOf = (what: RetentionSubject, project: string): number | null | 'farm' =>
  project === '' ? DEFAULT_DAYS[what] : 'farm';

/** How many jobs would go at once: whoever sets a rule hears it before anything does. */
async function expiredJobs(
  trx: LedgerTransaction,
  what: RetentionSubject,
  project: string,
  days: number,
): Promise<number> {
  if (!STATES.includes(what)) return 0;
  const { rows } = await sql<{ jobs: number }>`
    SELECT count(*)::int AS jobs FROM jobs j
    WHERE ${MAY_EXPIRE} AND j.finished_at < now() - make_interval(days => ${days}) AND j.state::text = ${what}
      AND ${KEPT_SINCE} < now() - make_interval(days => ${days})
      AND CASE WHEN ${project} = '' THEN NOT EXISTS (
        SELECT 1 FROM retention r WHERE r.what = ${what} AND r.project = j.project
      ) ELSE j.project = ${project} END`.execute(trx);
  return rows[0]?.jobs ?? 0;
}

const STATES: readonly RetentionSubject[] = ENDED_JOB_STATES;

function sentenceOf(
  what: RetentionSubject,
  project: string,
  days: number | null | 'farm',
  expired: number,
): string {
  const of = project === '' ? '' : ` of project ${project}`;
  if (days === 'farm') return `For ${NAMES[what]}${of} the farm's rule holds.`;
  if (days === null) return `${capital(NAMES[what])}${of} are kept for ever.`;
  return `${capital(NAMES[what])}${of} are kept for ${count(days, 'day')}; ${THEN[what]}${
    expired === 0 ? '' : `: ${count(expired, 'job')} now`
  }.`;
}

const NAMES: Record<RetentionSubject, string> = {
  completed: 'completed jobs',
  failed: 'failed jobs',
  cancelled: 'cancelled jobs',
  bin: 'deleted jobs',
  attempts: 'results that no frame points to',
  assets: 'assets that nothing points to and nobody asks for',
  templates: "templates' old versions that no job and no batch uses",
};

const INTO_BIN = 'then they go into the bin';
const THEN: Record<RetentionSubject, string> = {
  completed: INTO_BIN,
  failed: INTO_BIN,
  cancelled: INTO_BIN,
  bin: 'then their results are removed',
  attempts: 'then they are removed',
  assets: 'then they are removed',
  templates: 'then they are removed',
};

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
