import { sql } from 'kysely';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { isVersionRange } from '../../shared/domain/engine-versions.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import { count, type Managed, type RequestOf } from './managed.ts';

/** How many frames of a project, owner, engine or licence pool may run at once. */
export async function setLimit(trx: LedgerTransaction, request: RequestOf<'limit'>): Promise<Managed> {
  const { kind, name, running } = request;
  if (kind === 'engine') assertEngine('name', name);
  const before = await trx
    .selectFrom('limits')
    .select(['running', 'lowered_to'])
    .where('kind', '=', kind)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  const now = await runningNow(trx, kind, name);
  const what = `${kind === 'licence' ? 'licence pool' : kind} ${name}`;
  const frames = running === 0 ? 'no frame' : `at most ${count(running ?? 0, 'frame')}`;
  const busy = now === 0 ? '' : `; ${count(now, 'task')} of it ${now === 1 ? 'is' : 'are'} out now`;
  const same =
    running === null ? before === undefined : before?.running === running && before.lowered_to === null;
  return {
    would:
      running === null ? `Takes the limit of ${what} away.` : `Lets ${frames} of ${what} run at once${busy}.`,
    did: same
      ? running === null
        ? `There was no limit for ${what}.`
        : `The limit of ${what} is ${running.toLocaleString('en')} already.`
      : running === null
        ? `There is no limit for ${what} any more.`
        : `${frames.charAt(0).toUpperCase()}${frames.slice(1)} of ${what} may run at once${busy}.`,
    changed: !same,
    subjects: [`limit/${kind}/${name}`],
    write: async (writing) => {
      if (running === null)
        await writing.deleteFrom('limits').where('kind', '=', kind).where('name', '=', name).execute();
      else
        await sql`INSERT INTO limits (kind, name, running) VALUES (${kind}, ${name}, ${running})
          ON CONFLICT (kind, name) DO UPDATE SET running = excluded.running, lowered_to = NULL, lowered_until = NULL`.execute(
          writing,
        );
    },
  };
}

/** Tasks that count against a limit now: those that are queued, too. */
async function runningNow(
  trx: LedgerTransaction,
  kind: RequestOf<'limit'>['kind'],
  name: string,
): Promise<number> {
  const { rows } = await sql<{ tasks: number }>`
    SELECT count(*)::int AS tasks FROM tasks t JOIN jobs j ON j.id = t.job_id JOIN steps s ON s.key = t.step_key
    WHERE t.state IN ('queued', 'running') AND CASE ${kind}::text
      WHEN 'project' THEN j.project = ${name} WHEN 'owner' THEN j.owner = ${name} WHEN 'engine' THEN t.engine = ${name}
      ELSE s.spec->'licences' ? ${name} END`.execute(trx);
  return rows[0]?.tasks ?? 0;
}

/** What a project or an owner gets within a priority level, against others of its kind. */
export async function setShare(trx: LedgerTransaction, request: RequestOf<'share'>): Promise<Managed> {
  const { kind, name, weight } = request;
  const before = await trx
    .selectFrom('shares')
    .select('weight')
    .where('kind', '=', kind)
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  const same = (before?.weight ?? 1) === weight;
  const what = `${kind} ${name}`;
  const much = `${weight} time${weight === 1 ? '' : 's'} what a ${kind} without a share of its own gets`;
  return {
    would: `Gives ${what} ${much}, within a priority level.`,
    did: same
      ? `The share of ${what} is ${weight} already.`
      : `Gave ${what} ${much}, within a priority level.`,
    changed: !same,
    subjects: [`share/${kind}/${name}`],
    write: async (writing) => {
      if (weight === 1)
        await writing.deleteFrom('shares').where('kind', '=', kind).where('name', '=', name).execute();
      else
        await writing
          .insertInto('shares')
          .values({ kind, name, weight })
          .onConflict((conflict) => conflict.columns(['kind', 'name']).doUpdateSet({ weight }))
          .execute();
    },
  };
}

/** Slots that a project gets first. */
export async function setGuarantee(
  trx: LedgerTransaction,
  request: RequestOf<'guarantee'>,
): Promise<Managed> {
  const { project, pool, slots } = request;
  const before = await trx
    .selectFrom('guarantees')
    .select('slots')
    .where('project', '=', project)
    .where('pool', '=', pool)
    .forUpdate()
    .executeTakeFirst();
  const same = (before?.slots ?? 0) === slots;
  const workers = pool === '*' ? 'all workers' : `workers with the tag ${pool}`;
  const what = slots === 0 ? 'nothing' : count(slots, 'slot');
  return {
    would: `Guarantees project ${project} ${what} of ${workers}.`,
    did: `Project ${project} has ${what} of ${workers} guaranteed${same ? ' already' : ''}.`,
    changed: !same,
    subjects: [`guarantee/${project}/${pool}`],
    write: async (writing) => {
      if (slots === 0)
        await writing
          .deleteFrom('guarantees')
          .where('project', '=', project)
          .where('pool', '=', pool)
          .execute();
      else
        await writing
          .insertInto('guarantees')
          .values({ project, pool, slots })
          .onConflict((conflict) => conflict.columns(['project', 'pool']).doUpdateSet({ slots }))
          .execute();
    },
  };
}

/** The version range of jobs that do not say; it acts on jobs that are submitted from now on. */
export async function setEngineVersion(
  trx: LedgerTransaction,
  request: RequestOf<'engine-version'>,
): Promise<Managed> {
  const { engine, range } = request;
  const project = request.project ?? '';
  assertEngine('engine', engine);
  if (range !== null && !isVersionRange(range))
    throw new InvalidInputError('The version range', [
      { path: 'range', value: describeValue(range), expected: 'a range such as ">=4.2", "4.2.x" or "3.4.1"' },
    ]);
  const before = await trx
    .selectFrom('engine_versions')
    .select('range')
    .where('engine', '=', engine)
    .where('project', '=', project)
    .forUpdate()
    .executeTakeFirst();
  const same = (before?.range ?? null) === range;
  const whose = project === '' ? 'jobs' : `jobs of project ${project}`;
  const what = range === null ? `any version of ${engine}` : `${engine} ${range}`;
  return {
    would: `Lets ${whose} that do not say take ${what}, from the next one on.`,
    did: same
      ? `${whose.charAt(0).toUpperCase()}${whose.slice(1)} that do not say take ${what} already.`
      : `${whose.charAt(0).toUpperCase()}${whose.slice(1)} that do not say take ${what}, from the next one on.`,
    changed: !same,
    subjects: [`engine-version/${engine}/${project === '' ? '*' : project}`],
    write: async (writing) => {
      if (range === null)
        await writing
          .deleteFrom('engine_versions')
          .where('engine', '=', engine)
          .where('project', '=', project)
          .execute();
      else
        await writing
          .insertInto('engine_versions')
          .values({ engine, project, range })
          .onConflict((conflict) => conflict.columns(['engine', 'project']).doUpdateSet({ range }))
          .execute();
    },
  };
}

function assertEngine(path: string, engine: string): void {
  if (describeEngine(engine) !== undefined) return;
  throw new InvalidInputError('The request', [
    {
      path,
      value: describeValue(engine),
      expected: 'an engine that the farm knows: ./farmhand engines lists them',
    },
  ]);
}
