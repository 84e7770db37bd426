import type { Ledger } from '../../shared/database/connect.ts';
import { highestVersion } from '../../shared/domain/engine-versions.ts';
import { describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import type { StepRequirements } from '../../shared/database/schema.ts';
import { abilityOf } from '../dispatch/worker-facts.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import { fits } from '../planning/fitting.ts';
import type { DraftDependency, DraftStep } from './job-plan.ts';
import { checkRoots } from './root-references.ts';

/** How long default versions are believed. */
const RANGES_KEPT_MS = 2_000;
const MOST_NAMED = 10;

interface KnownJob {
  state: string;
  deleted: boolean;
  steps: { name: string; engine: string }[];
}

/** `range`: what was asked for, by whomever; `exact` is null while no worker offers such a version. */
type VersionOf = (
  engine: string,
  asked: Omit<StepRequirements, 'engineVersion'> & { roots: string[]; range: string | undefined },
) => { range: string | null; exact: string | null };

/** What a document names that is not in it: other jobs, licence pools, versions of engines. Asked for only where it is named. */
export class FarmReferences {
  readonly #ledger: Ledger;
  readonly #registry: WorkerRegistry;
  #ranges: Promise<Map<string, string>> | undefined;
  #rangesUntil = 0;

  constructor(ledger: Ledger, registry: WorkerRegistry) {
    this.#ledger = ledger;
    this.#registry = registry;
  }

  /**
   * How the version of an engine is found that a step of a project is rendered with: the highest in the range of the job, of
   * the project, or of the farm that a worker offers which is heard of now and can take the step.
   */
  async versionsFor(project: string): Promise<VersionOf> {
    const ranges = await this.#readRanges();
    const groups = new Map(
      this.#registry
        .all()
        .filter(({ heartbeat }) => !this.#registry.isSilent(heartbeat.workerId))
        .map(({ group, heartbeat }) => [group, heartbeat]),
    );
    const abilities = [...groups.values()].map(abilityOf);
    return (engine, asked) => {
      const range = asked.range ?? ranges.get(`${engine}/${project}`) ?? ranges.get(`${engine}/`) ?? null;
      const needs = { ...asked, engine, engineVersion: null, versionRange: range };
      const offered = abilities.flatMap((ability) =>
        fits(needs, ability) ? (ability.engines.get(engine) ?? []) : [],
      );
      return { range, exact: highestVersion(offered, range) ?? null };
    };
  }

  /** Shared storage that nobody has told the farm of. */
  async checkRoots(steps: readonly DraftStep[], issues: InputIssue[]): Promise<void> {
    await checkRoots(this.#ledger, steps, issues);
  }

  /** Licence pools that nobody has defined. */
  async checkLicences(steps: readonly DraftStep[], issues: InputIssue[]): Promise<void> {
    if (!steps.some((step) => step.licences.length > 0)) return;
    const rows = await this.#ledger
      .selectFrom('limits')
      .select('name')
      .where('kind', '=', 'licence')
      .orderBy('name')
      .execute();
    const pools = rows.map((row) => row.name);
    for (const step of steps)
      for (const [index, name] of step.licences.entries())
        if (!pools.includes(name))
          issues.push({
            path: `${step.path}licences[${index}]`,
            value: describeValue(name),
            expected: `a licence pool (${pools.slice(0, MOST_NAMED).join(', ') || 'there is none yet'}); make one with: farmhand limits set licence ${name} N`,
          });
  }

  /** Webhooks that nobody has made, or that hear of other jobs only. */
  async checkWebhooks(names: readonly string[], issues: InputIssue[]): Promise<void> {
    if (names.length === 0) return;
    const rows = await this.#ledger
      .selectFrom('webhooks')
      .select('id')
      .where('scope', '=', 'named')
      .orderBy('id')
      .execute();
    const known = rows.map((row) => row.id);
    for (const [index, name] of names.entries())
      if (!known.includes(name))
        issues.push({
          path: `webhooks[${index}]`,
          value: describeValue(name),
          expected: `a webhook that jobs may name (${known.slice(0, MOST_NAMED).join(', ') || 'there is none yet'}); make one with: farmhand webhooks add URL --named --id ${name}`,
        });
  }

  /**
   * Jobs that are waited for: they must be there, and not have ended badly; steps of them must exist.
   * @param ownId the id that the document brings: what is there already waits for no later job, so that the only cycle is
   *   that of a job with itself.
   */
  async checkJobs(
    needed: readonly (DraftDependency & { job: string; stepOfJob: string | null })[],
    ownId: string | undefined,
    issues: InputIssue[],
  ): Promise<void> {
    if (needed.length === 0) return;
    const known = await this.#readJobs([...new Set(needed.map(({ job }) => job))]);
    for (const dependency of needed) {
      const job = known.get(dependency.job);
      const own = dependency.job === ownId;
      const problem = own ? itself(ownId) : job ? problemOf(dependency, job) : unknownJob(dependency.job);
      if (problem) issues.push({ path: dependency.path, ...problem });
    }
  }

  async #readJobs(ids: readonly string[]): Promise<Map<string, KnownJob>> {
    const rows = await this.#ledger
      .selectFrom('jobs')
      .innerJoin('steps', 'steps.job_id', 'jobs.id')
      .select(['jobs.id', 'jobs.state', 'jobs.binned_at', 'steps.name', 'steps.engine'])
      .where('jobs.id', 'in', ids)
      .orderBy('steps.position')
      .execute();
    const jobs = new Map<string, KnownJob>();
    for (const { id, state, binned_at, name, engine } of rows) {
      const job = jobs.get(id) ?? { state, deleted: binned_at !== null, steps: [] };
      job.steps.push({ name, engine });
      jobs.set(id, job);
    }
    return jobs;
  }

  async #readRanges(): Promise<Map<string, string>> {
    if (!this.#ranges || performance.now() > this.#rangesUntil) {
      this.#rangesUntil = performance.now() + RANGES_KEPT_MS;
      const reading = this.#ledger.selectFrom('engine_versions').selectAll().execute();
      this.#ranges = reading.then(
        (rows) => new Map(rows.map(({ engine, project, range }) => [`${engine}/${project}`, range])),
      );
      this.#ranges.catch(() => {
        this.#ranges = undefined; // whoever asked hears why; the next one asks again
      });
    }
    return this.#ranges;
  }
}

type Problem = Omit<InputIssue, 'path'>;

const unknownJob = (id: string): Problem => ({
  value: describeValue(id),
  expected: 'a job of this farm: submit it first, or give it this id',
});

const itself = (id: string): Problem => ({
  value: `the cycle ${id} → ${id}`,
  expected: 'another job: a job cannot wait for itself',
});

function problemOf(
  { job: id, stepOfJob, kind }: DraftDependency & { job: string; stepOfJob: string | null },
  job: KnownJob,
): Problem | undefined {
  if (job.deleted)
    return {
      value: `${describeValue(id)}, which was deleted`,
      expected: 'a job that is not in the bin: restore it first, or leave it out',
    };
  if (job.state === 'failed' || job.state === 'cancelled')
    return {
      value: `${describeValue(id)}, which ${job.state === 'failed' ? 'has failed' : 'was cancelled'}`,
      expected: `a job that can still be completed: ${job.state === 'failed' ? 'retry' : 'resume'} it first, or leave it out`,
    };
  const names = job.steps.map(({ name }) => name);
  if (stepOfJob !== null && !names.includes(stepOfJob))
    return {
      value: describeValue(stepOfJob),
      expected: `a step of job ${id}: ${names.slice(0, MOST_NAMED).join(', ')}`,
    };
  if (kind === 'frame' && stepOfJob === null && names.length > 1)
    return {
      value: 'no step',
      expected: `the step of job ${id} whose frames are meant: ${names.slice(0, MOST_NAMED).join(', ')}`,
    };
  return undefined;
}
